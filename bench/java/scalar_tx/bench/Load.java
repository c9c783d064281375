package scalar_tx.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.exception.transaction.CommitConflictException;
import com.scalar.db.exception.transaction.CrudConflictException;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.exception.transaction.UnknownTransactionStatusException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Clients in a closed loop, each with one operation at a time, tried until it is done.
 *
 * <p>Only what is done after the warm-up and before the end has its latency kept, from the first
 * attempt on, in buckets that grow by one percent.
 */
final class Load {
  private static final double FIRST_PAUSE_MILLIS = 5;
  private static final double LONGEST_PAUSE_MILLIS = 500;
  private static final double PER_BUCKET = 1 / Math.log(1.01);

  private final List<DistributedTransactionManager> managers;
  private final Workload workload;
  private final int clients;
  private final long seed;
  private final long fromNanos;
  private final long endNanos;

  /** The clients take turns at choosing one of the managers, each of which has its connection. */
  Load(List<DistributedTransactionManager> managers, Workload workload, JsonObject wanted) {
    this.managers = managers;
    this.workload = workload;
    this.clients = wanted.get("clients").getAsInt();
    this.seed = wanted.get("seed").getAsLong();
    this.fromNanos = System.nanoTime() + nanos(wanted, "warm_up");
    this.endNanos = fromNanos + nanos(wanted, "seconds");
  }

  private static long nanos(JsonObject wanted, String name) {
    return (long) (wanted.get(name).getAsDouble() * 1_000_000_000L);
  }

  JsonElement run() throws Exception {
    long before = cpuNanos();
    List<Client> all = new ArrayList<>();
    for (int number = 0; number < clients; number++) {
      all.add(new Client(managers.get(number % managers.size()), new Random(seed + number)));
    }
    ExecutorService pool = Executors.newFixedThreadPool(clients);
    try {
      for (Future<Client> ended : pool.invokeAll(all)) {
        ended.get();
      }
    } finally {
      pool.shutdown();
    }
    return report(all, (cpuNanos() - before) / 1e9);
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static JsonElement report(List<Client> all, double cpuSeconds) {
    Map<Integer, Long> latencies = new TreeMap<>();
    for (Client client : all) {
      client.latencies.forEach((bucket, count) -> latencies.merge(bucket, count, Long::sum));
    }
    JsonObject histogram = new JsonObject();
    latencies.forEach((bucket, count) -> histogram.addProperty(bucket.toString(), count));
    JsonObject report = new JsonObject();
    report.addProperty("done", all.stream().mapToLong(one -> one.done).sum());
    report.addProperty("all_done", all.stream().mapToLong(one -> one.allDone).sum());
    report.addProperty("conflicts", all.stream().mapToLong(one -> one.conflicts).sum());
    report.addProperty("refused", all.stream().mapToLong(one -> one.refused).sum());
    report.addProperty("unknown", all.stream().mapToLong(one -> one.unknown).sum());
    report.addProperty("cpu_seconds", cpuSeconds);
    report.add("latencies", histogram);
    return report;
  }

  private final class Client implements Callable<Client> {
    private final DistributedTransactionManager manager;
    private final Random dice;
    private final Map<Integer, Long> latencies = new TreeMap<>();
    private long done;
    private long allDone;
    private long conflicts;
    private long refused;
    private long unknown;

    Client(DistributedTransactionManager manager, Random dice) {
      this.manager = manager;
      this.dice = dice;
    }

    private boolean over() {
      return System.nanoTime() >= endNanos;
    }

    @Override
    public Client call() throws Exception {
      while (!over()) {
        operation(workload.drawn(dice));
      }
      return this;
    }

    /** Tries until it is done or too late. */
    private void operation(Workload.Operation operation) throws Exception {
      long begun = System.nanoTime();
      double ceiling = FIRST_PAUSE_MILLIS;
      while (!over()) {
        DistributedTransaction tx = operation.begin(manager);
        try {
          if (operation.run(tx)) {
            tx.commit();
          } else {
            tx.rollback();
          }
          finish(begun);
          return;
        } catch (UnknownTransactionStatusException nobodyKnows) {
          unknown++;
          return;
        } catch (CrudConflictException | CommitConflictException conflict) {
          conflicts++;
          tx.rollback();
        } catch (TransactionException storage) {
          // Nothing was committed.
          refused++;
          tx.rollback();
        }
        TimeUnit.MICROSECONDS.sleep((long) (1000 * dice.nextDouble() * ceiling));
        ceiling = Math.min(LONGEST_PAUSE_MILLIS, 2 * ceiling);
      }
    }

    private void finish(long begun) {
      long now = System.nanoTime();
      allDone++;
      if (now >= fromNanos && now < endNanos) {
        done++;
        int bucket = (int) (Math.log(Math.max(now - begun, 1)) * PER_BUCKET);
        latencies.merge(bucket, 1L, Long::sum);
      }
    }
  }
}
