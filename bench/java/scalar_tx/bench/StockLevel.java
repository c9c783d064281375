package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.api.Result;
import com.scalar.db.exception.transaction.TransactionException;
import java.util.Random;
import java.util.TreeSet;

/** Clause 2.8: how many of the items that were ordered last are short? */
final class StockLevel implements Workload.Operation {
  private static final int RECENT = 20; // orders that are looked at

  private final int district;
  private final int threshold;

  StockLevel(Random dice) {
    district = Tpcc.district(dice);
    threshold = Tpcc.between(dice, 10, 20);
  }

  @Override
  public DistributedTransaction begin(DistributedTransactionManager manager)
      throws TransactionException {
    return manager.beginReadOnly();
  }

  @Override
  public boolean run(DistributedTransaction tx) throws TransactionException {
    int after = Tables.read(tx, "district", Tables.district(district)).getInt("d_next_o_id");
    TreeSet<Integer> items = new TreeSet<>();
    for (int order = Math.max(1, after - RECENT); order < after; order++) {
      for (Result line : Tables.scan(tx, "order_line", Tables.lines(district, order), 0)) {
        items.add(line.getInt("ol_i_id"));
      }
    }
    int few = 0;
    for (int item : items) {
      if (Tables.read(tx, "stock", Tables.stock(item)).getInt("s_quantity") < threshold) {
        few++;
      }
    }
    if (few > items.size()) {
      throw new IllegalStateException("more items are short than were looked at");
    }
    return true;
  }
}
