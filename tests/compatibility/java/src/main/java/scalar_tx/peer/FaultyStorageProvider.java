package scalar_tx.peer;

import com.scalar.db.api.DistributedStorage;
import com.scalar.db.api.DistributedStorageAdmin;
import com.scalar.db.api.DistributedStorageProvider;
import com.scalar.db.config.DatabaseConfig;
import java.util.Properties;
import java.util.ServiceLoader;

/**
 * The storage called {@code faulty}: the one that {@code scalar.db.faulty.delegate} names, with a
 * {@link Watch} in between. Administration goes straight to the delegate.
 */
public final class FaultyStorageProvider implements DistributedStorageProvider {
  static final String NAME = "faulty";
  static final String DELEGATE = "scalar.db.faulty.delegate";
  static final String SESSION = "scalar.db.faulty.session";

  @Override
  public String getName() {
    return NAME;
  }

  @Override
  public DistributedStorage createDistributedStorage(DatabaseConfig config) {
    DatabaseConfig real = real(config);
    Watch watch = Watch.of(config.getProperties().getProperty(SESSION));
    return new FaultyStorage(provider(real).createDistributedStorage(real), watch);
  }

  @Override
  public DistributedStorageAdmin createDistributedStorageAdmin(DatabaseConfig config) {
    DatabaseConfig real = real(config);
    return provider(real).createDistributedStorageAdmin(real);
  }

  private static DatabaseConfig real(DatabaseConfig config) {
    Properties properties = new Properties();
    properties.putAll(config.getProperties());
    properties.setProperty(DatabaseConfig.STORAGE, properties.getProperty(DELEGATE));
    return new DatabaseConfig(properties);
  }

  private static DistributedStorageProvider provider(DatabaseConfig config) {
    return ServiceLoader.load(DistributedStorageProvider.class).stream()
        .map(ServiceLoader.Provider::get)
        .filter(each -> each.getName().equalsIgnoreCase(config.getStorage()))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no storage " + config.getStorage()));
  }
}
