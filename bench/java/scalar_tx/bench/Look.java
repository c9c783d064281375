package scalar_tx.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.api.Result;
import com.scalar.db.exception.transaction.CommitConflictException;
import com.scalar.db.exception.transaction.CrudConflictException;
import com.scalar.db.exception.transaction.TransactionException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** What the records hold, line by line: agreement.py says the same on the other side. */
final class Look {
  private static final String MARKS = "jlo";
  private static final int ATTEMPTS = 100;
  private static final long PAUSE_MILLIS = 200;

  private Look() {}

  static JsonElement at(DistributedTransactionManager manager, String workload) throws Exception {
    JsonArray lines = new JsonArray();
    if (workload.startsWith("tpcc")) {
      tpcc(manager, lines);
    } else {
      for (String namespace : Records.NAMESPACES) {
        lines.add(ycsb(manager, namespace));
      }
    }
    return lines;
  }

  private interface Reading<T> {
    T from(DistributedTransaction tx) throws TransactionException;
  }

  /** A record may be unfinished for a moment: it is looked at again. */
  private static <T> T read(DistributedTransactionManager manager, Reading<T> reading)
      throws TransactionException, InterruptedException {
    for (int attempt = 1; ; attempt++) {
      DistributedTransaction tx = manager.beginReadOnly();
      try {
        T found = reading.from(tx);
        tx.commit();
        return found;
      } catch (TransactionException | RuntimeException problem) {
        tx.rollback();
        boolean passes =
            problem instanceof CrudConflictException || problem instanceof CommitConflictException;
        if (!passes || attempt == ATTEMPTS) {
          throw problem;
        }
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
    }
  }

  private static String ycsb(DistributedTransactionManager manager, String namespace)
      throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    Map<Character, Integer> marks = new TreeMap<>();
    MARKS.chars().forEach(mark -> marks.put((char) mark, 0));
    for (int key = 0; key < Records.RECORDS; key++) {
      int number = key;
      Optional<Result> row = read(manager, tx -> tx.get(Records.get(namespace, number)));
      String text = row.orElseThrow().getText(Records.PAYLOAD);
      marks.merge(text.charAt(0), 1, Integer::sum);
      digest.update((key + "=" + text + "\n").getBytes(StandardCharsets.UTF_8));
    }
    StringBuilder line = new StringBuilder(namespace + "." + Records.TABLE);
    marks.forEach((mark, count) -> line.append(" ").append(mark).append("=").append(count));
    return line + " sha256=" + HexFormat.of().formatHex(digest.digest());
  }

  private static void tpcc(DistributedTransactionManager manager, JsonArray lines)
      throws TransactionException, InterruptedException {
    Result warehouse = read(manager, tx -> Tables.read(tx, "warehouse", Tables.warehouse()));
    lines.add("warehouse " + warehouse.getBigInt("w_ytd"));
    for (int district = 1; district <= Tables.DISTRICTS; district++) {
      int number = district;
      lines.add(read(manager, tx -> district(tx, number)) + " " + balance(manager, number));
    }
  }

  private static String district(DistributedTransaction tx, int number)
      throws TransactionException {
    Result district = Tables.read(tx, "district", Tables.district(number));
    int last = district.getInt("d_next_o_id") - 1;
    int waiting = Tables.scan(tx, "new_order", Tables.waiting(number), 0).size();
    Result order = Tables.read(tx, "orders", Tables.order(number, last));
    List<Result> sold = Tables.scan(tx, "order_line", Tables.lines(number, last), 0);
    long amount = sold.stream().mapToLong(line -> line.getBigInt("ol_amount")).sum();
    return String.format(
        "district %d %d %d %d %d %d %d %d",
        number,
        district.getBigInt("d_ytd"),
        last + 1,
        waiting,
        order.getInt("o_c_id"),
        order.getInt("o_ol_cnt"),
        sold.size(),
        amount);
  }

  /** What the customers of a district owe, all together. */
  private static long balance(DistributedTransactionManager manager, int district)
      throws TransactionException, InterruptedException {
    long total = 0;
    for (int customer = 1; ; customer++) {
      int number = customer;
      Optional<Result> found =
          read(manager, tx -> Tables.find(tx, "customer", Tables.customer(district, number)));
      if (found.isEmpty()) {
        return total;
      }
      total += found.get().getBigInt("c_balance");
    }
  }
}
