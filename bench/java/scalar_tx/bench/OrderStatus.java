package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.api.Result;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.List;
import java.util.Random;

/** Clause 2.6. */
final class OrderStatus implements Workload.Operation {
  private final Tpcc.Person person;

  OrderStatus(Random dice, Scale scale) {
    person = Tpcc.Person.drawn(dice, scale);
  }

  @Override
  public DistributedTransaction begin(DistributedTransactionManager manager)
      throws TransactionException {
    return manager.beginReadOnly();
  }

  @Override
  public boolean run(DistributedTransaction tx) throws TransactionException {
    int district = person.district();
    int customer = person.found(tx).getInt("c_id");
    Key place = Key.of("o_w_id", Tables.W, "o_d_id", district, "o_c_id", customer);
    List<Result> last = Tables.scan(tx, "order_by_customer", place, 1);
    if (last.isEmpty()) { // who has none yet has nothing to be shown
      return true;
    }
    int order = last.get(0).getInt("o_id");
    Result head = Tables.read(tx, "orders", Tables.order(district, order));
    int lines = Tables.scan(tx, "order_line", Tables.lines(district, order), 0).size();
    if (lines != head.getInt("o_ol_cnt")) {
      throw new IllegalStateException("order " + order + " has " + lines + " lines");
    }
    return true;
  }
}
