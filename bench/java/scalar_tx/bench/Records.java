package scalar_tx.bench;

import com.scalar.db.api.Get;
import com.scalar.db.io.Key;
import java.util.Random;

/** The records of the small workloads: an INT key and a text. */
final class Records {
  static final String[] NAMESPACES = {"ycsb", "ycsb_second"};
  static final String TABLE = "usertable";
  static final String KEY = "ycsb_key";
  static final String PAYLOAD = "payload";
  static final int RECORDS = 1000;
  static final int SIZE = 1000;
  private static final String MARK = "j";
  private static final String LETTERS =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  // A text is a piece of this one: drawing a character at a time would cost more than to write it.
  private static final String TEXT = text(20 * SIZE);

  private Records() {}

  private static String text(int size) {
    Random dice = new Random(1);
    StringBuilder text = new StringBuilder(size);
    for (int i = 0; i < size; i++) {
      text.append(LETTERS.charAt(dice.nextInt(LETTERS.length())));
    }
    return text.toString();
  }

  /** A new text for a record. */
  static String payload(Random dice) {
    int from = dice.nextInt(TEXT.length() - SIZE);
    return MARK + TEXT.substring(from, from + SIZE - 1);
  }

  static Get get(String namespace, int key) {
    return Get.newBuilder()
        .namespace(namespace)
        .table(TABLE)
        .partitionKey(Key.ofInt(KEY, key))
        .build();
  }
}
