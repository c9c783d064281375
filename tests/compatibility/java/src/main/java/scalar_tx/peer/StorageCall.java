package scalar_tx.peer;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.scalar.db.api.ConditionalExpression;
import com.scalar.db.api.Delete;
import com.scalar.db.api.Mutation;
import com.scalar.db.api.MutationCondition;
import com.scalar.db.api.Operation;
import com.scalar.db.api.Put;
import com.scalar.db.api.Scan;
import com.scalar.db.api.Selection;
import com.scalar.db.io.Column;
import com.scalar.db.io.Key;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One call of the library to its storage: what it asks for and which step of the protocol it is. */
final class StorageCall {
  private static final int PREPARED = 1;
  private static final int COMMITTED = 3;

  final String call;
  final List<? extends Operation> operations;
  final String step;
  String outcome = "under way";

  StorageCall(String call, List<? extends Operation> operations, String coordinator) {
    this.call = call;
    this.operations = operations;
    this.step = operations.isEmpty() ? "nothing" : step(operations.get(0), coordinator);
  }

  static String table(Operation operation) {
    return operation.forNamespace().orElse("") + "." + operation.forTable().orElse("");
  }

  static Map<String, Column<?>> key(Operation operation) {
    Map<String, Column<?>> key = new HashMap<>();
    operation.getPartitionKey().getColumns().forEach(each -> key.put(each.getName(), each));
    operation
        .getClusteringKey()
        .ifPresent(more -> more.getColumns().forEach(each -> key.put(each.getName(), each)));
    return key;
  }

  private static String step(Operation first, String coordinator) {
    boolean decision = table(first).equals(coordinator + ".state");
    if (first instanceof Selection) {
      return decision ? "read-state" : "read";
    }
    if (first instanceof Delete delete) {
      return decision ? "forget-state" : stepOfDelete(delete);
    }
    Map<String, Column<?>> values = ((Put) first).getColumns();
    boolean committed = holds(values.get("tx_state"), COMMITTED);
    if (decision) {
      return committed ? "commit-state" : "abort-state";
    }
    if (!values.containsKey("tx_state")) {
      return "plain";
    }
    if (!values.containsKey("tx_id")) {
      return "commit";
    }
    if (committed || values.get("tx_state").hasNullValue()) {
      return conditionOnState((Put) first) == null ? "one-phase" : "rollback";
    }
    return "prepare";
  }

  /**
   * A conditional delete of a PREPARED record undoes an insert. Of a DELETED one it is taken for the
   * commit of a delete, although undoing a delete of nothing looks the same.
   */
  private static String stepOfDelete(Delete delete) {
    if (delete.getCondition().isEmpty()) {
      return "plain";
    }
    ConditionalExpression state = conditionOnState(delete);
    if (state == null) {
      return "one-phase";
    }
    return holds(state.getColumn(), PREPARED) ? "rollback" : "commit";
  }

  private static ConditionalExpression conditionOnState(Mutation mutation) {
    return mutation.getCondition().map(MutationCondition::getExpressions).orElse(List.of()).stream()
        .filter(expression -> expression.getColumn().getName().equals("tx_state"))
        .findFirst()
        .orElse(null);
  }

  private static boolean holds(Column<?> column, int state) {
    return column != null && !column.hasNullValue() && column.getIntValue() == state;
  }

  JsonObject describe() {
    JsonObject seen = new JsonObject();
    seen.addProperty("call", call);
    seen.addProperty("step", step);
    JsonArray ops = new JsonArray();
    operations.forEach(operation -> ops.add(describe(operation)));
    seen.add("ops", ops);
    seen.addProperty("outcome", outcome);
    return seen;
  }

  private static JsonObject describe(Operation operation) {
    JsonObject op = new JsonObject();
    op.addProperty("kind", kind(operation));
    op.addProperty("table", table(operation));
    op.add("key", Cells.cells(columns(operation.getPartitionKey())));
    operation.getClusteringKey().ifPresent(key -> op.add("ck", Cells.cells(columns(key))));
    if (operation instanceof Put put) {
      op.add("values", Cells.cells(put.getColumns().values()));
    }
    if (operation instanceof Mutation mutation) {
      describe(mutation.getCondition().orElse(null), op);
    } else {
      op.addProperty("text", operation.toString());
    }
    return op;
  }

  private static void describe(MutationCondition condition, JsonObject op) {
    op.addProperty("condition", condition == null ? "" : condition.getClass().getSimpleName());
    JsonArray expressions = new JsonArray();
    if (condition != null) {
      for (ConditionalExpression expression : condition.getExpressions()) {
        JsonArray parts = new JsonArray();
        parts.add(expression.getColumn().getName());
        parts.add(expression.getOperator().name());
        parts.add(Cells.cell(expression.getColumn()));
        expressions.add(parts);
      }
    }
    op.add("expressions", expressions);
  }

  private static String kind(Operation operation) {
    if (operation instanceof Put) {
      return "put";
    }
    if (operation instanceof Delete) {
      return "delete";
    }
    return operation instanceof Scan ? "scan" : "get";
  }

  private static Collection<Column<?>> columns(Key key) {
    return key.getColumns();
  }
}
