package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.Result;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Clause 2.4; one in a hundred names an unused item. */
final class NewOrder implements Workload.Operation {
  private record Line(int item, int quantity) {}

  private final int district;
  private final int customer;
  private final List<Line> lines = new ArrayList<>();

  NewOrder(Random dice, Scale scale) {
    Map<Integer, Integer> items = new LinkedHashMap<>();
    int count = Tpcc.between(dice, 5, 15);
    while (items.size() < count) {
      items.putIfAbsent(
          Tpcc.uneven(dice, scale.item_a, 1, scale.items), Tpcc.between(dice, 1, 10));
    }
    items.forEach((item, quantity) -> lines.add(new Line(item, quantity)));
    if (dice.nextDouble() < 0.01) {
      Line last = lines.remove(count - 1);
      lines.add(new Line(scale.items + last.item, last.quantity));
    }
    customer = Tpcc.customer(dice, scale);
    district = Tpcc.district(dice);
  }

  @Override
  public boolean run(DistributedTransaction tx) throws TransactionException {
    Tables.read(tx, "warehouse", Tables.warehouse());
    int order =
        Tables.read(tx, "district", Tables.district(district)).getInt("d_next_o_id");
    Tables.read(tx, "customer", Tables.customer(district, customer));
    tx.update(
        Tables.update("district", Tables.district(district))
            .intValue("d_next_o_id", order + 1)
            .build());
    tx.insert(
        Tables.insert("orders", Tables.order(district, order))
            .intValue("o_c_id", customer)
            .bigIntValue("o_entry_d", System.currentTimeMillis())
            .intValue("o_ol_cnt", lines.size())
            .intValue("o_all_local", 1)
            .build());
    tx.insert(
        Tables.insert(
                "order_by_customer",
                Key.of("o_w_id", Tables.W, "o_d_id", district, "o_c_id", customer),
                Key.ofInt("o_id", order))
            .build());
    tx.insert(
        Tables.insert("new_order", Tables.waiting(district), Key.ofInt("no_o_id", order)).build());
    for (int number = 1; number <= lines.size(); number++) {
      if (!line(tx, order, number, lines.get(number - 1))) {
        return false;
      }
    }
    return true;
  }

  private boolean line(DistributedTransaction tx, int order, int number, Line line)
      throws TransactionException {
    Optional<Result> item = Tables.find(tx, "item", Key.ofInt("i_id", line.item));
    if (item.isEmpty()) {
      return false;
    }
    Result stock = Tables.read(tx, "stock", Tables.stock(line.item));
    int left = stock.getInt("s_quantity") - line.quantity;
    tx.update(
        Tables.update("stock", Tables.stock(line.item))
            .intValue("s_quantity", left >= 10 ? left : left + 91)
            .intValue("s_ytd", stock.getInt("s_ytd") + line.quantity)
            .intValue("s_order_cnt", stock.getInt("s_order_cnt") + 1)
            .build());
    tx.insert(
        Tables.insert(
                "order_line", Tables.lines(district, order), Key.ofInt("ol_number", number))
            .intValue("ol_i_id", line.item)
            .intValue("ol_supply_w_id", Tables.W)
            .intValue("ol_quantity", line.quantity)
            .bigIntValue("ol_amount", line.quantity * item.get().getBigInt("i_price"))
            .textValue("ol_dist_info", stock.getText(String.format("s_dist_%02d", district)))
            .build());
    return true;
  }
}
