package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.Get;
import com.scalar.db.api.Result;
import com.scalar.db.api.Update;
import com.scalar.db.api.Upsert;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** The small workloads: records with an INT key and a text, read and written anew. */
final class Ycsb implements Workload {
  static final String[] NAMESPACES = {"ycsb", "ycsb_second"};
  static final String TABLE = "usertable";
  static final String KEY = "ycsb_key";
  static final String PAYLOAD = "payload";
  static final int RECORDS = 1000;
  static final int SIZE = 1000;
  private static final String MARK = "j";
  private static final double THETA = 0.9;
  private static final String LETTERS =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  // A text is a piece of this one: drawing a character at a time would cost more than to write it.
  private static final String TEXT = text(20 * SIZE);

  private final int keys;
  private final boolean reads;
  private final boolean writes;
  private final int tables;
  private final double[] shares;

  Ycsb(String name) {
    reads = !name.equals("ycsb-upsert-1");
    writes = !name.equals("ycsb-c-2");
    tables = name.equals("multi-f-1") ? 2 : 1;
    shares = name.equals("ycsb-f-1-zipf") ? zipf() : null;
    keys =
        switch (name) {
          case "ycsb-c-2", "multi-f-1" -> 2;
          case "ycsb-f-1", "ycsb-upsert-1", "ycsb-f-1-zipf" -> 1;
          case "ycsb-f-4" -> 4;
          default -> throw new IllegalArgumentException("no such workload: " + name);
        };
  }

  private static String text(int size) {
    Random dice = new Random(1);
    StringBuilder text = new StringBuilder(size);
    for (int i = 0; i < size; i++) {
      text.append(LETTERS.charAt(dice.nextInt(LETTERS.length())));
    }
    return text.toString();
  }

  /** Up to which number between 0 and 1 each record is drawn: record i by (i + 1) ** -theta. */
  private static double[] zipf() {
    double[] sums = new double[RECORDS];
    double sum = 0;
    for (int i = 0; i < RECORDS; i++) {
      sum += Math.pow(i + 1, -THETA);
      sums[i] = sum;
    }
    for (int i = 0; i < RECORDS; i++) {
      sums[i] /= sum;
    }
    return sums;
  }

  private int key(Random dice) {
    if (shares == null) {
      return dice.nextInt(RECORDS);
    }
    int found = Arrays.binarySearch(shares, dice.nextDouble());
    return found >= 0 ? found + 1 : -found - 1;
  }

  private static String payload(Random dice) {
    int from = dice.nextInt(TEXT.length() - SIZE);
    return MARK + TEXT.substring(from, from + SIZE - 1);
  }

  private record Step(String namespace, int key, String text) {}

  @Override
  public Operation drawn(Random dice) {
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < keys; i++) {
      steps.add(new Step(NAMESPACES[i % tables], key(dice), writes ? payload(dice) : null));
    }
    return new Operation() {
      @Override
      public boolean readOnly() {
        return !writes;
      }

      @Override
      public boolean run(DistributedTransaction tx) throws TransactionException {
        for (Step step : steps) {
          change(tx, step);
        }
        return true;
      }
    };
  }

  private void change(DistributedTransaction tx, Step step) throws TransactionException {
    if (reads) {
      Result row =
          tx.get(get(step.namespace, step.key))
              .orElseThrow(() -> new IllegalStateException("record " + step + " is missing"));
      if (row.getText(PAYLOAD).length() != SIZE) {
        throw new IllegalStateException("record " + step + " is not what was written");
      }
    }
    if (step.text == null) {
      return;
    }
    if (reads) {
      tx.update(
          Update.newBuilder()
              .namespace(step.namespace)
              .table(TABLE)
              .partitionKey(Key.ofInt(KEY, step.key))
              .textValue(PAYLOAD, step.text)
              .build());
    } else {
      tx.upsert(
          Upsert.newBuilder()
              .namespace(step.namespace)
              .table(TABLE)
              .partitionKey(Key.ofInt(KEY, step.key))
              .textValue(PAYLOAD, step.text)
              .build());
    }
  }

  static Get get(String namespace, int key) {
    return Get.newBuilder()
        .namespace(namespace)
        .table(TABLE)
        .partitionKey(Key.ofInt(KEY, key))
        .build();
  }
}
