package scalar_tx.peer;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.scalar.db.api.Admin;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.exception.storage.NoMutationException;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import java.util.Map;

/** The calls that only later releases have, for releases that lack them. */
final class LaterApi {
  private LaterApi() {}

  static NoMutationException noMutation(String message) {
    return new NoMutationException(message, null);
  }

  static DistributedTransaction begin(
      DistributedTransactionManager manager,
      String id,
      boolean readOnly,
      Map<String, String> attributes)
      throws TransactionException {
    if (readOnly || !attributes.isEmpty()) {
      throw lacking("read-only transactions and transaction attributes");
    }
    return id == null ? manager.begin() : manager.begin(id);
  }

  static boolean finish(DistributedTransactionManager manager, String id) {
    throw lacking("finishTransaction");
  }

  static boolean recover(
      DistributedTransactionManager manager,
      String namespace,
      String table,
      Key partition,
      Key clustering) {
    throw lacking("recoverRecord");
  }

  static JsonElement alter(String command, Admin admin, JsonObject wanted) {
    throw lacking("admin." + command);
  }

  private static UnsupportedOperationException lacking(String what) {
    return new UnsupportedOperationException("this release of ScalarDB has no " + what);
  }
}
