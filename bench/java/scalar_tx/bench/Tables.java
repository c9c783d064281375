package scalar_tx.bench;

import com.scalar.db.api.Delete;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.Get;
import com.scalar.db.api.Insert;
import com.scalar.db.api.InsertBuilder;
import com.scalar.db.api.Result;
import com.scalar.db.api.Scan;
import com.scalar.db.api.ScanBuilder;
import com.scalar.db.api.Update;
import com.scalar.db.api.UpdateBuilder;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.List;
import java.util.Optional;

/** TPC-C's tables, and how their records are named and read. */
final class Tables {
  static final String NAMESPACE = "tpcc";
  static final int W = 1; // the one warehouse
  static final int DISTRICTS = 10;

  private Tables() {}

  static Key warehouse() {
    return Key.ofInt("w_id", W);
  }

  static Key district(int district) {
    return Key.of("d_w_id", W, "d_id", district);
  }

  static Key customer(int district, int customer) {
    return Key.of("c_w_id", W, "c_d_id", district, "c_id", customer);
  }

  static Key order(int district, int order) {
    return Key.of("o_w_id", W, "o_d_id", district, "o_id", order);
  }

  static Key lines(int district, int order) {
    return Key.of("ol_w_id", W, "ol_d_id", district, "ol_o_id", order);
  }

  static Key waiting(int district) {
    return Key.of("no_w_id", W, "no_d_id", district);
  }

  static Key stock(int item) {
    return Key.of("s_w_id", W, "s_i_id", item);
  }

  static Optional<Result> find(DistributedTransaction tx, String table, Key key)
      throws TransactionException {
    return tx.get(
        Get.newBuilder().namespace(NAMESPACE).table(table).partitionKey(key).build());
  }

  static Result read(DistributedTransaction tx, String table, Key key)
      throws TransactionException {
    return find(tx, table, key)
        .orElseThrow(() -> new IllegalStateException(table + " " + key + " is missing"));
  }

  /** The records of a partition, at most so many; 0: all. */
  static List<Result> scan(DistributedTransaction tx, String table, Key partition, int limit)
      throws TransactionException {
    ScanBuilder.BuildableScan scan =
        Scan.newBuilder().namespace(NAMESPACE).table(table).partitionKey(partition);
    return tx.scan((limit == 0 ? scan : scan.limit(limit)).build());
  }

  static UpdateBuilder.Buildable update(String table, Key key) {
    return Update.newBuilder().namespace(NAMESPACE).table(table).partitionKey(key);
  }

  static UpdateBuilder.Buildable update(String table, Key partition, Key clustering) {
    return Update.newBuilder()
        .namespace(NAMESPACE)
        .table(table)
        .partitionKey(partition)
        .clusteringKey(clustering);
  }

  static InsertBuilder.Buildable insert(String table, Key key) {
    return Insert.newBuilder().namespace(NAMESPACE).table(table).partitionKey(key);
  }

  static InsertBuilder.Buildable insert(String table, Key partition, Key clustering) {
    return Insert.newBuilder()
        .namespace(NAMESPACE)
        .table(table)
        .partitionKey(partition)
        .clusteringKey(clustering);
  }

  static Delete delete(String table, Key partition, Key clustering) {
    return Delete.newBuilder()
        .namespace(NAMESPACE)
        .table(table)
        .partitionKey(partition)
        .clusteringKey(clustering)
        .build();
  }
}
