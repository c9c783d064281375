package scalar_tx.peer;

import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.scalar.db.exception.transaction.TransactionException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What went wrong, for the other side of the pipe. */
final class Problems {
  private static final Pattern CODE = Pattern.compile("DB-CORE-(\\d+)");
  private static final int DEEPEST_CAUSE = 10;

  private Problems() {}

  static JsonObject describe(Throwable problem) {
    JsonObject error = brief(problem);
    Optional<String> transactionId =
        problem instanceof TransactionException failure
            ? failure.getTransactionId()
            : Optional.empty();
    error.add(
        "transaction_id",
        transactionId.isPresent() ? new JsonPrimitive(transactionId.get()) : JsonNull.INSTANCE);
    JsonArray causes = new JsonArray();
    Throwable cause = problem.getCause();
    for (int depth = 0; cause != null && depth < DEEPEST_CAUSE; depth++) {
      causes.add(brief(cause));
      cause = cause.getCause();
    }
    error.add("causes", causes);
    return error;
  }

  private static JsonObject brief(Throwable problem) {
    JsonObject error = new JsonObject();
    String message = String.valueOf(problem.getMessage());
    Matcher code = CODE.matcher(message);
    error.addProperty("class", problem.getClass().getSimpleName());
    error.add("code", code.find() ? new JsonPrimitive(code.group(1)) : JsonNull.INSTANCE);
    error.addProperty("message", message);
    return error;
  }
}
