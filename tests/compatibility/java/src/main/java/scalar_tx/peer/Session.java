package scalar_tx.peer;

import com.google.gson.JsonObject;
import com.scalar.db.api.DistributedStorage;
import com.scalar.db.api.DistributedStorageAdmin;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionAdmin;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.api.TransactionCrudOperable;
import com.scalar.db.api.TwoPhaseCommitTransaction;
import com.scalar.db.api.TwoPhaseCommitTransactionManager;
import com.scalar.db.config.DatabaseConfig;
import com.scalar.db.exception.transaction.RollbackException;
import com.scalar.db.service.StorageFactory;
import com.scalar.db.service.TransactionFactory;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One configuration and all that hangs on it, made when first asked for.
 *
 * <p>Only the transactions of a watched session go through the {@link FaultyStorage}; its
 * administration and its raw storage don't, so that looking at rows is neither counted nor hit.
 */
final class Session {
  private static final Logger LOG = LoggerFactory.getLogger(Session.class);
  private static final String COORDINATOR = "scalar.db.consensus_commit.coordinator.namespace";

  final String name;
  private final Properties plain = new Properties();
  private final Properties transactional = new Properties();
  private final boolean watched;
  private final Map<String, TransactionCrudOperable> transactions = new ConcurrentHashMap<>();
  private final AtomicInteger lastHandle = new AtomicInteger();
  private DistributedTransactionManager manager;
  private TwoPhaseCommitTransactionManager twoPhase;
  private DistributedTransactionAdmin admin;
  private DistributedStorage storage;
  private DistributedStorageAdmin storageAdmin;

  Session(String name, JsonObject properties, boolean watched) {
    this.name = name;
    this.watched = watched;
    properties
        .entrySet()
        .forEach(entry -> plain.setProperty(entry.getKey(), entry.getValue().getAsString()));
    transactional.putAll(plain);
    if (watched) {
      transactional.setProperty(
          FaultyStorageProvider.DELEGATE, plain.getProperty(DatabaseConfig.STORAGE));
      transactional.setProperty(FaultyStorageProvider.SESSION, name);
      transactional.setProperty(DatabaseConfig.STORAGE, FaultyStorageProvider.NAME);
      new Watch(name, plain.getProperty(COORDINATOR, "coordinator"));
    }
  }

  synchronized DistributedTransactionManager manager() {
    if (manager == null) {
      manager = TransactionFactory.create(transactional).getTransactionManager();
    }
    return manager;
  }

  /** For transactions whose parts are prepared in several processes, or in several sessions. */
  synchronized TwoPhaseCommitTransactionManager twoPhase() {
    if (twoPhase == null) {
      twoPhase = TransactionFactory.create(transactional).getTwoPhaseCommitTransactionManager();
    }
    return twoPhase;
  }

  synchronized DistributedTransactionAdmin admin() {
    if (admin == null) {
      admin = TransactionFactory.create(plain).getTransactionAdmin();
    }
    return admin;
  }

  synchronized DistributedStorage storage() {
    if (storage == null) {
      storage = StorageFactory.create(plain).getStorage();
    }
    return storage;
  }

  synchronized DistributedStorageAdmin storageAdmin() {
    if (storageAdmin == null) {
      storageAdmin = StorageFactory.create(plain).getStorageAdmin();
    }
    return storageAdmin;
  }

  String keep(TransactionCrudOperable transaction) {
    String handle = "t" + lastHandle.incrementAndGet();
    transactions.put(handle, transaction);
    return handle;
  }

  TransactionCrudOperable transaction(String handle) {
    TransactionCrudOperable transaction = transactions.get(handle);
    if (transaction == null) {
      throw new IllegalArgumentException("no transaction " + handle + " in session " + name);
    }
    return transaction;
  }

  synchronized void close() {
    if (watched) {
      Watch.of(name).clear();
    }
    transactions.values().forEach(Session::giveUp);
    if (manager != null) {
      manager.close();
    }
    if (twoPhase != null) {
      twoPhase.close();
    }
    if (admin != null) {
      admin.close();
    }
    if (storage != null) {
      storage.close();
    }
    if (storageAdmin != null) {
      storageAdmin.close();
    }
    if (watched) {
      Watch.forget(name);
    }
  }

  /** A group commit waits for its open transactions before it lets its manager close. */
  private static void giveUp(TransactionCrudOperable transaction) {
    try {
      if (transaction instanceof DistributedTransaction whole) {
        whole.rollback();
      } else {
        ((TwoPhaseCommitTransaction) transaction).rollback();
      }
    } catch (RollbackException | IllegalStateException ended) {
      LOG.debug("not open any more: {}", transaction, ended);
    }
  }
}
