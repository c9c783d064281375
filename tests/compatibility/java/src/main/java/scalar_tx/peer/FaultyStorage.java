package scalar_tx.peer;

import com.scalar.db.api.Delete;
import com.scalar.db.api.DistributedStorage;
import com.scalar.db.api.Get;
import com.scalar.db.api.Mutation;
import com.scalar.db.api.Put;
import com.scalar.db.api.Result;
import com.scalar.db.api.Scan;
import com.scalar.db.api.Scanner;
import com.scalar.db.exception.storage.ExecutionException;
import java.util.List;
import java.util.Optional;

/** A real storage whose every call is seen by a {@link Watch} first. */
final class FaultyStorage implements DistributedStorage {
  private final DistributedStorage storage;
  private final Watch watch;

  FaultyStorage(DistributedStorage storage, Watch watch) {
    this.storage = storage;
    this.watch = watch;
  }

  @Override
  public Optional<Result> get(Get get) throws ExecutionException {
    return watch.around("get", List.of(get), () -> storage.get(get));
  }

  @Override
  public Scanner scan(Scan scan) throws ExecutionException {
    return watch.around("scan", List.of(scan), () -> storage.scan(scan));
  }

  @Override
  public void put(Put put) throws ExecutionException {
    watch.around("put", List.of(put), () -> done(() -> storage.put(put)));
  }

  @Override
  public void put(List<Put> puts) throws ExecutionException {
    watch.around("mutate", puts, () -> done(() -> storage.put(puts)));
  }

  @Override
  public void delete(Delete delete) throws ExecutionException {
    watch.around("delete", List.of(delete), () -> done(() -> storage.delete(delete)));
  }

  @Override
  public void delete(List<Delete> deletes) throws ExecutionException {
    watch.around("mutate", deletes, () -> done(() -> storage.delete(deletes)));
  }

  @Override
  public void mutate(List<? extends Mutation> mutations) throws ExecutionException {
    watch.around("mutate", mutations, () -> done(() -> storage.mutate(mutations)));
  }

  private interface Write {
    void run() throws ExecutionException;
  }

  private static Boolean done(Write write) throws ExecutionException {
    write.run();
    return true;
  }

  @Override
  @SuppressWarnings("deprecation")
  public void with(String namespace, String table) {
    storage.with(namespace, table);
  }

  @Override
  @SuppressWarnings("deprecation")
  public void withNamespace(String namespace) {
    storage.withNamespace(namespace);
  }

  @Override
  @SuppressWarnings("deprecation")
  public Optional<String> getNamespace() {
    return storage.getNamespace();
  }

  @Override
  @SuppressWarnings("deprecation")
  public void withTable(String table) {
    storage.withTable(table);
  }

  @Override
  @SuppressWarnings("deprecation")
  public Optional<String> getTable() {
    return storage.getTable();
  }

  @Override
  public void close() {
    storage.close();
  }
}
