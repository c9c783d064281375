package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.Result;
import com.scalar.db.api.UpdateBuilder;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.Random;
import java.util.UUID;

/** Clause 2.5. */
final class Payment implements Workload.Operation {
  private static final int DATA = 500; // characters that a customer's data keeps

  private final Tpcc.Person person;
  private final long amount;
  private final String history;

  Payment(Random dice, Scale scale) {
    person = Tpcc.Person.drawn(dice, scale);
    amount = Tpcc.between(dice, 100, 500_000);
    // Not from the dice: those of another turn may have the same seed.
    history = UUID.randomUUID().toString();
  }

  @Override
  public boolean run(DistributedTransaction tx) throws TransactionException {
    int at = person.district();
    Result warehouse = Tables.read(tx, "warehouse", Tables.warehouse());
    Result district = Tables.read(tx, "district", Tables.district(at));
    tx.update(
        Tables.update("warehouse", Tables.warehouse())
            .bigIntValue("w_ytd", warehouse.getBigInt("w_ytd") + amount)
            .build());
    tx.update(
        Tables.update("district", Tables.district(at))
            .bigIntValue("d_ytd", district.getBigInt("d_ytd") + amount)
            .build());
    Result customer = person.found(tx);
    int number = customer.getInt("c_id");
    UpdateBuilder.Buildable changed =
        Tables.update("customer", Tables.customer(at, number))
            .bigIntValue("c_balance", customer.getBigInt("c_balance") - amount)
            .bigIntValue("c_ytd_payment", customer.getBigInt("c_ytd_payment") + amount)
            .intValue("c_payment_cnt", customer.getInt("c_payment_cnt") + 1);
    if (customer.getText("c_credit").equals("BC")) {
      String data =
          String.format(
              "%d %d %d %d %d %d %s",
              number, at, Tables.W, at, Tables.W, amount, customer.getText("c_data"));
      changed = changed.textValue("c_data", data.substring(0, Math.min(DATA, data.length())));
    }
    tx.update(changed.build());
    tx.insert(
        Tables.insert("history", Key.ofText("h_id", history))
            .intValue("h_c_id", number)
            .intValue("h_c_d_id", at)
            .intValue("h_c_w_id", Tables.W)
            .intValue("h_d_id", at)
            .intValue("h_w_id", Tables.W)
            .bigIntValue("h_date", System.currentTimeMillis())
            .bigIntValue("h_amount", amount)
            .textValue("h_data", warehouse.getText("w_name") + "    " + district.getText("d_name"))
            .build());
    return true;
  }
}
