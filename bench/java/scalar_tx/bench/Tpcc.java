package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.Result;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.List;
import java.util.Random;

/** Which of TPC-C's five transactions comes next, and for whom? */
final class Tpcc implements Workload {
  private static final int C = 42; // the constant C of clause 2.1.6, for all three
  private static final String[] SYLLABLES = {
    "BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING"
  };

  private final boolean allFive;
  private final Scale scale;

  Tpcc(String name, Scale scale) {
    this.allFive =
        switch (name) {
          case "tpcc" -> false;
          case "tpcc-full" -> true;
          default -> throw new IllegalArgumentException("no such workload: " + name);
        };
    this.scale = scale;
  }

  @Override
  public Operation drawn(Random dice) {
    int hundred = dice.nextInt(100);
    if (hundred < (allFive ? 45 : 50)) {
      return new NewOrder(dice, scale);
    }
    if (hundred < (allFive ? 88 : 100)) {
      return new Payment(dice, scale);
    }
    if (hundred < 92) {
      return new OrderStatus(dice, scale);
    }
    return hundred < 96 ? new Delivery(dice) : new StockLevel(dice);
  }

  static int between(Random dice, int low, int high) {
    return low + dice.nextInt(high - low + 1);
  }

  /** Clause 2.1.6: some are drawn more often than others. */
  static int uneven(Random dice, int a, int low, int high) {
    return ((between(dice, 0, a) | between(dice, low, high)) + C) % (high - low + 1) + low;
  }

  static int district(Random dice) {
    return between(dice, 1, Tables.DISTRICTS);
  }

  static int customer(Random dice, Scale scale) {
    return uneven(dice, scale.customer_a, 1, scale.customers);
  }

  /** A customer, by number, or by a last name that others may have too. */
  record Person(int district, int number, String name) {
    static Person drawn(Random dice, Scale scale) {
      int district = Tpcc.district(dice);
      if (dice.nextDouble() < 0.6) {
        return new Person(
            district, 0, lastName(uneven(dice, scale.name_a, 0, scale.names() - 1)));
      }
      return new Person(district, customer(dice, scale), null);
    }

    /** Of several with the name the middle one by first names. */
    Result found(DistributedTransaction tx) throws TransactionException {
      int found = number;
      if (name != null) {
        Key place = Key.of("c_w_id", Tables.W, "c_d_id", district, "c_last", name);
        List<Result> named = Tables.scan(tx, "customer_by_name", place, 0);
        found = named.get((named.size() - 1) / 2).getInt("c_id");
      }
      return Tables.read(tx, "customer", Tables.customer(district, found));
    }

    private static String lastName(int number) {
      return SYLLABLES[number / 100] + SYLLABLES[number / 10 % 10] + SYLLABLES[number % 10];
    }
  }
}
