package scalar_tx.peer;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.api.Get;
import com.scalar.db.api.Result;
import com.scalar.db.api.Update;
import com.scalar.db.exception.transaction.CommitConflictException;
import com.scalar.db.exception.transaction.CrudConflictException;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.exception.transaction.UnknownTransactionStatusException;
import com.scalar.db.io.Key;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import scalar_tx.peer.Operations.Table;

/**
 * Records of one text column, each read and written anew by a transaction of its own, by several
 * threads at once. The records are those of the INT keys 0 to n-1.
 *
 * <p>A key is drawn once and stays until its transaction is committed. What ends within {@code
 * warm_up} is not counted, nor what begins after it and ends after {@code seconds} more.
 */
final class RecordLoad {
  private static final double FIRST_PAUSE_MILLIS = 5;
  private static final double LONGEST_PAUSE_MILLIS = 500;

  private final DistributedTransactionManager manager;
  private final Table table;
  private final String keyColumn;
  private final String textColumn;
  private final int records;
  private final int threads;
  private final long seed;
  private final String text;
  private final int size;
  private final long fromNanos;
  private final long endNanos;

  private final AtomicInteger all = new AtomicInteger();
  private final AtomicInteger committed = new AtomicInteger();
  private final AtomicInteger conflicts = new AtomicInteger();
  private final AtomicInteger refused = new AtomicInteger();
  private final AtomicInteger unknown = new AtomicInteger();

  private RecordLoad(Session session, JsonObject wanted) {
    this.manager = session.manager();
    this.table = Operations.table(wanted);
    this.keyColumn = wanted.get("key_column").getAsString();
    this.textColumn = wanted.get("text_column").getAsString();
    this.records = wanted.get("records").getAsInt();
    this.threads = wanted.get("threads").getAsInt();
    this.seed = wanted.get("seed").getAsLong();
    this.text = wanted.get("text").getAsString();
    this.size = wanted.get("size").getAsInt();
    this.fromNanos = System.nanoTime() + nanos(wanted, "warm_up");
    this.endNanos = fromNanos + nanos(wanted, "seconds");
  }

  private static long nanos(JsonObject wanted, String name) {
    return (long) (wanted.get(name).getAsDouble() * 1_000_000_000L);
  }

  static JsonElement run(Session session, JsonObject wanted) throws Exception {
    return new RecordLoad(session, wanted).run();
  }

  private JsonElement run() throws Exception {
    long before = cpuNanos();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Callable<Void>> workers = new ArrayList<>();
      for (int worker = 0; worker < threads; worker++) {
        Random dice = new Random(seed + worker);
        workers.add(() -> work(dice));
      }
      for (Future<Void> done : pool.invokeAll(workers)) {
        done.get();
      }
    } finally {
      pool.shutdown();
    }
    JsonObject report = new JsonObject();
    report.addProperty("all", all.get());
    report.addProperty("committed", committed.get());
    report.addProperty("conflicts", conflicts.get());
    report.addProperty("refused", refused.get());
    report.addProperty("unknown", unknown.get());
    report.addProperty("cpu_seconds", (cpuNanos() - before) / 1e9);
    return report;
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private boolean over() {
    return System.nanoTime() >= endNanos;
  }

  private Void work(Random dice) throws Exception {
    while (!over()) {
      int key = dice.nextInt(records);
      int from = dice.nextInt(text.length() - size);
      transaction(dice, key, text.substring(from, from + size));
    }
    return null;
  }

  /** Tries until it is committed or too late. */
  private void transaction(Random dice, int key, String payload) throws Exception {
    double ceiling = FIRST_PAUSE_MILLIS;
    while (!over()) {
      DistributedTransaction tx = manager.begin();
      try {
        change(tx, key, payload);
        tx.commit();
        count();
        return;
      } catch (UnknownTransactionStatusException nobodyKnows) {
        unknown.incrementAndGet();
        return;
      } catch (CrudConflictException | CommitConflictException conflict) {
        conflicts.incrementAndGet();
        tx.rollback();
      } catch (TransactionException storage) {
        // Nothing was committed.
        refused.incrementAndGet();
        tx.rollback();
      }
      TimeUnit.MICROSECONDS.sleep((long) (1000 * dice.nextDouble() * ceiling));
      ceiling = Math.min(LONGEST_PAUSE_MILLIS, 2 * ceiling);
    }
  }

  private void change(DistributedTransaction tx, int key, String payload)
      throws TransactionException {
    Get get =
        Get.newBuilder()
            .namespace(table.namespace())
            .table(table.name())
            .partitionKey(Key.ofInt(keyColumn, key))
            .build();
    Result row =
        tx.get(get).orElseThrow(() -> new IllegalStateException("record " + key + " is missing"));
    if (row.getText(textColumn).length() != size) {
      throw new IllegalStateException("record " + key + " is not what was written");
    }
    tx.update(
        Update.newBuilder()
            .namespace(table.namespace())
            .table(table.name())
            .partitionKey(Key.ofInt(keyColumn, key))
            .textValue(textColumn, payload)
            .build());
  }

  private void count() {
    all.incrementAndGet();
    long now = System.nanoTime();
    if (now >= fromNanos && now < endNanos) {
      committed.incrementAndGet();
    }
  }
}
