package scalar_tx.peer;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.scalar.db.api.Operation;
import com.scalar.db.exception.storage.ExecutionException;
import com.scalar.db.exception.storage.RetriableExecutionException;
import com.scalar.db.io.Column;
import java.util.Map;

/**
 * Which storage calls go wrong, and how.
 *
 * <p>A rule counts the calls that it matches, from 1; it strikes at the {@code nth} and, with {@code
 * times}, at those that follow (0: at all of them).
 */
final class FaultRule {
  enum Action {
    HALT,
    FAIL,
    PAUSE
  }

  final int number;
  final Action action;
  final boolean before;
  private final String call;
  private final String step;
  private final String table;
  private final JsonObject key;
  private final int nth;
  private final int times;
  private final String error;
  private int matched;

  FaultRule(int number, JsonObject wanted) {
    this.number = number;
    this.action = Action.valueOf(wanted.get("action").getAsString().toUpperCase());
    this.before = wanted.get("when").getAsString().equals("before");
    this.call = text(wanted, "call");
    this.step = text(wanted, "step");
    this.table = text(wanted, "table");
    this.key = wanted.has("key") ? wanted.getAsJsonObject("key") : new JsonObject();
    this.nth = wanted.has("nth") ? wanted.get("nth").getAsInt() : 1;
    this.times = wanted.has("times") ? wanted.get("times").getAsInt() : 1;
    this.error = wanted.has("error") ? text(wanted, "error") : "execution";
  }

  private static String text(JsonObject wanted, String name) {
    return wanted.has(name) ? wanted.get(name).getAsString() : null;
  }

  /** Count the call if it is meant; true if it is its turn. */
  synchronized boolean strikes(StorageCall seen) {
    boolean meant =
        (call == null || call.equals(seen.call))
            && (step == null || step.equals(seen.step))
            && seen.operations.stream().anyMatch(this::means);
    if (!meant) {
      return false;
    }
    matched++;
    return matched >= nth && (times == 0 || matched < nth + times);
  }

  synchronized int matched() {
    return matched;
  }

  private boolean means(Operation operation) {
    if (table != null && !table.equals(StorageCall.table(operation))) {
      return false;
    }
    Map<String, Column<?>> present = StorageCall.key(operation);
    for (Map.Entry<String, JsonElement> each : key.entrySet()) {
      Column<?> column = present.get(each.getKey());
      if (column == null || !column.equals(Cells.column(each.getKey(), each.getValue()))) {
        return false;
      }
    }
    return true;
  }

  void fail(StorageCall seen) throws ExecutionException {
    String message = "injected " + (before ? "before " : "after ") + seen.step;
    switch (error) {
      case "execution" -> throw new ExecutionException(message);
      case "retriable" -> throw new RetriableExecutionException(message);
      case "no_mutation" -> throw LaterApi.noMutation(message);
      case "runtime" -> throw new IllegalStateException(message);
      default -> throw new IllegalArgumentException("no such error: " + error);
    }
  }
}
