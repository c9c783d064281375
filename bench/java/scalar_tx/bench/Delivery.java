package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.Result;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.List;
import java.util.Random;

/** Clause 2.7: the oldest order of each district, all in one transaction. */
final class Delivery implements Workload.Operation {
  private final int carrier;

  Delivery(Random dice) {
    carrier = Tpcc.between(dice, 1, 10);
  }

  @Override
  public boolean run(DistributedTransaction tx) throws TransactionException {
    for (int district = 1; district <= Tables.DISTRICTS; district++) {
      List<Result> oldest = Tables.scan(tx, "new_order", Tables.waiting(district), 1);
      if (!oldest.isEmpty()) {
        deliver(tx, district, oldest.get(0).getInt("no_o_id"));
      }
    }
    return true;
  }

  private void deliver(DistributedTransaction tx, int district, int order)
      throws TransactionException {
    tx.delete(
        Tables.delete("new_order", Tables.waiting(district), Key.ofInt("no_o_id", order)));
    Result head = Tables.read(tx, "orders", Tables.order(district, order));
    Key place = Tables.lines(district, order);
    List<Result> lines = Tables.scan(tx, "order_line", place, 0);
    tx.update(
        Tables.update("orders", Tables.order(district, order))
            .intValue("o_carrier_id", carrier)
            .build());
    long at = System.currentTimeMillis();
    long amount = 0;
    for (Result line : lines) {
      tx.update(
          Tables.update("order_line", place, Key.ofInt("ol_number", line.getInt("ol_number")))
              .bigIntValue("ol_delivery_d", at)
              .build());
      amount += line.getBigInt("ol_amount");
    }
    Key payer = Tables.customer(district, head.getInt("o_c_id"));
    Result customer = Tables.read(tx, "customer", payer);
    tx.update(
        Tables.update("customer", payer)
            .bigIntValue("c_balance", customer.getBigInt("c_balance") + amount)
            .intValue("c_delivery_cnt", customer.getInt("c_delivery_cnt") + 1)
            .build());
  }
}
