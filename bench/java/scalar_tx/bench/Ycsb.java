package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
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
  private static final double THETA = 0.9;

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

  /** Up to which number between 0 and 1 each record is drawn: record i by (i + 1) ** -theta. */
  private static double[] zipf() {
    double[] sums = new double[Records.RECORDS];
    double sum = 0;
    for (int i = 0; i < Records.RECORDS; i++) {
      sum += Math.pow(i + 1, -THETA);
      sums[i] = sum;
    }
    for (int i = 0; i < Records.RECORDS; i++) {
      sums[i] /= sum;
    }
    return sums;
  }

  private int key(Random dice) {
    if (shares == null) {
      return dice.nextInt(Records.RECORDS);
    }
    int found = Arrays.binarySearch(shares, dice.nextDouble());
    return found >= 0 ? found + 1 : -found - 1;
  }

  private record Step(String namespace, int key, String text) {}

  @Override
  public Operation drawn(Random dice) {
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < keys; i++) {
      steps.add(new Step(Records.NAMESPACES[i % tables], key(dice), writes ? Records.payload(dice) : null));
    }
    return new Operation() {
      @Override
      public DistributedTransaction begin(DistributedTransactionManager manager)
          throws TransactionException {
        return writes ? manager.begin() : manager.beginReadOnly();
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
          tx.get(Records.get(step.namespace, step.key))
              .orElseThrow(() -> new IllegalStateException("record " + step + " is missing"));
      if (row.getText(Records.PAYLOAD).length() != Records.SIZE) {
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
              .table(Records.TABLE)
              .partitionKey(Key.ofInt(Records.KEY, step.key))
              .textValue(Records.PAYLOAD, step.text)
              .build());
    } else {
      tx.upsert(
          Upsert.newBuilder()
              .namespace(step.namespace)
              .table(Records.TABLE)
              .partitionKey(Key.ofInt(Records.KEY, step.key))
              .textValue(Records.PAYLOAD, step.text)
              .build());
    }
  }
}
