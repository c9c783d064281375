package scalar_tx.peer;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.scalar.db.api.Admin;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.exception.storage.ExecutionException;
import com.scalar.db.exception.storage.NoMutationException;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.DataType;
import com.scalar.db.io.Key;
import java.util.List;
import java.util.Map;
import scalar_tx.peer.Operations.Table;

/** The calls that only later releases have, for 3.19. */
final class LaterApi {
  private LaterApi() {}

  static NoMutationException noMutation(String message) {
    return new NoMutationException(message, List.of());
  }

  static DistributedTransaction begin(
      DistributedTransactionManager manager,
      String id,
      boolean readOnly,
      Map<String, String> attributes)
      throws TransactionException {
    if (id == null) {
      return readOnly ? manager.beginReadOnly(attributes) : manager.begin(attributes);
    }
    return readOnly ? manager.beginReadOnly(id, attributes) : manager.begin(id, attributes);
  }

  static boolean finish(DistributedTransactionManager manager, String id)
      throws TransactionException {
    return manager.finishTransaction(id);
  }

  static boolean recover(
      DistributedTransactionManager manager,
      String namespace,
      String table,
      Key partition,
      Key clustering)
      throws TransactionException {
    return manager.recoverRecord(namespace, table, partition, clustering);
  }

  static JsonElement alter(String command, Admin admin, JsonObject wanted)
      throws ExecutionException {
    Table table = Operations.table(wanted);
    switch (command) {
      case "drop_column" ->
          admin.dropColumnFromTable(
              table.namespace(), table.name(), wanted.get("column").getAsString());
      case "rename_column" ->
          admin.renameColumn(
              table.namespace(),
              table.name(),
              wanted.get("column").getAsString(),
              wanted.get("to").getAsString());
      case "alter_column_type" ->
          admin.alterColumnType(
              table.namespace(),
              table.name(),
              wanted.get("column").getAsString(),
              DataType.valueOf(wanted.get("type").getAsString()));
      case "rename_table" ->
          admin.renameTable(table.namespace(), table.name(), wanted.get("to").getAsString());
      default -> throw new IllegalArgumentException("no such command: admin." + command);
    }
    return JsonNull.INSTANCE;
  }
}
