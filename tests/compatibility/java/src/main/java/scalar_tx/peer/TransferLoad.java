package scalar_tx.peer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.Get;
import com.scalar.db.api.Result;
import com.scalar.db.api.Update;
import com.scalar.db.exception.transaction.CommitConflictException;
import com.scalar.db.exception.transaction.CrudConflictException;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.exception.transaction.UnknownTransactionStatusException;
import com.scalar.db.io.Key;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import scalar_tx.peer.Operations.Table;

/**
 * Money moved between accounts 0 to n-1 by several threads at once, until the time is over or so
 * many transfers are acknowledged. The table has an INT partition key and a BIGINT or INT balance.
 * With a second table of the same columns every transfer is between an account of the first and one
 * of the second, either way.
 *
 * <p>Every transfer that was acknowledged, and every one whose outcome is unknown, is kept; with
 * {@code log} it is also written to that file at once, for a process that may be killed.
 */
final class TransferLoad {
  private final Session session;
  private final Table table;
  private final Table secondTable;
  private final String keyColumn;
  private final String balanceColumn;
  private final boolean bigBalance;
  private final int accounts;
  private final int threads;
  private final int longestTransfer;
  private final long seed;
  private final int enough;
  private final long endNanos;
  private final Map<String, String> attributes;
  private final BufferedWriter log;

  private final AtomicInteger committed = new AtomicInteger();
  private final AtomicInteger conflicts = new AtomicInteger();
  private final AtomicInteger busy = new AtomicInteger();
  private final JsonArray acknowledged = new JsonArray();
  private final JsonArray unknown = new JsonArray();

  private TransferLoad(Session session, JsonObject wanted) throws IOException {
    this.session = session;
    this.table = Operations.table(wanted);
    this.secondTable =
        wanted.has("second_table")
            ? Operations.table(wanted.get("second_table").getAsString())
            : table;
    this.keyColumn = wanted.get("key_column").getAsString();
    this.balanceColumn = wanted.get("balance_column").getAsString();
    this.bigBalance = wanted.get("balance_type").getAsString().equals("BIGINT");
    this.accounts = wanted.get("accounts").getAsInt();
    this.threads = wanted.get("threads").getAsInt();
    this.longestTransfer = wanted.get("longest_transfer").getAsInt();
    this.seed = wanted.get("seed").getAsLong();
    this.enough = wanted.get("commits").getAsInt();
    this.endNanos =
        System.nanoTime() + (long) (wanted.get("seconds").getAsDouble() * 1_000_000_000L);
    this.attributes = Operations.attributes(wanted);
    this.log =
        wanted.has("log")
            ? Files.newBufferedWriter(
                Path.of(wanted.get("log").getAsString()),
                StandardOpenOption.CREATE,
                StandardOpenOption.APPEND)
            : null;
  }

  static JsonElement run(Session session, JsonObject wanted) throws Exception {
    TransferLoad load = new TransferLoad(session, wanted);
    try {
      return load.run();
    } finally {
      if (load.log != null) {
        load.log.close();
      }
    }
  }

  private JsonElement run() throws Exception {
    session.manager();
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
    report.addProperty("committed", committed.get());
    report.addProperty("conflicts", conflicts.get());
    report.addProperty("storage_errors", busy.get());
    report.add("acknowledged", acknowledged);
    report.add("unknown", unknown);
    return report;
  }

  private boolean over() {
    return committed.get() >= enough || System.nanoTime() >= endNanos;
  }

  private Void work(Random dice) throws Exception {
    while (!over()) {
      int source = dice.nextInt(accounts);
      int target = (source + 1 + dice.nextInt(accounts - 1)) % accounts;
      int amount = 1 + dice.nextInt(longestTransfer);
      // Between two tables the first would run dry if the way were always the same.
      boolean back = !table.equals(secondTable) && dice.nextBoolean();
      transfer(source, target, back ? -amount : amount);
    }
    return null;
  }

  /** Tries until it is committed, unknown or too late. */
  private void transfer(int source, int target, int amount) throws Exception {
    for (int failures = 0; !over(); failures++) {
      DistributedTransaction tx = LaterApi.begin(session.manager(), null, false, attributes);
      try {
        long before = balance(tx, table, source);
        long present = balance(tx, secondTable, target);
        update(tx, table, source, before - amount);
        update(tx, secondTable, target, present + amount);
        tx.commit();
        committed.incrementAndGet();
        keep(acknowledged, "committed", tx.getId(), source, target, amount);
        return;
      } catch (UnknownTransactionStatusException nobodyKnows) {
        keep(unknown, "unknown", tx.getId(), source, target, amount);
        return;
      } catch (CrudConflictException | CommitConflictException conflict) {
        conflicts.incrementAndGet();
        tx.rollback();
      } catch (TransactionException storage) {
        // Such as a locked file: nothing was committed, so try again as after a conflict.
        busy.incrementAndGet();
        tx.rollback();
      }
      long ceiling = Math.min(200, 2L << Math.min(failures, 6));
      TimeUnit.MILLISECONDS.sleep(ThreadLocalRandom.current().nextLong(ceiling + 1));
    }
  }

  private long balance(DistributedTransaction tx, Table of, int account)
      throws TransactionException {
    Result row =
        tx.get(
                Get.newBuilder()
                    .namespace(of.namespace())
                    .table(of.name())
                    .partitionKey(Key.ofInt(keyColumn, account))
                    .build())
            .orElseThrow(() -> new IllegalStateException("account " + account + " is missing"));
    return bigBalance ? row.getBigInt(balanceColumn) : row.getInt(balanceColumn);
  }

  private void update(DistributedTransaction tx, Table of, int account, long balance)
      throws TransactionException {
    var update =
        Update.newBuilder()
            .namespace(of.namespace())
            .table(of.name())
            .partitionKey(Key.ofInt(keyColumn, account));
    if (bigBalance) {
      tx.update(update.bigIntValue(balanceColumn, balance).build());
    } else {
      tx.update(update.intValue(balanceColumn, Math.toIntExact(balance)).build());
    }
  }

  private synchronized void keep(
      JsonArray list, String outcome, String id, int source, int target, int amount)
      throws IOException {
    JsonObject transfer = new JsonObject();
    transfer.addProperty("id", id);
    transfer.addProperty("source", source);
    transfer.addProperty("target", target);
    transfer.addProperty("amount", amount);
    transfer.add("outcome", new JsonPrimitive(outcome));
    list.add(transfer);
    if (log != null) {
      log.write(transfer + "\n");
      log.flush();
    }
  }
}
