package scalar_tx.client;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.scalar.db.exception.transaction.TransactionException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The gRPC client of ScalarDB, driven over a pipe: a JSON object a line in, {@code {"id", "ok"}} or
 * {@code {"id", "error"}} a line out.
 *
 * <p>Requests of one {@code lane} run in order, lanes run beside each other. The program ends when
 * its input does.
 */
public final class Main {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  private final Map<String, Server> servers = new ConcurrentHashMap<>();
  private final Map<String, ExecutorService> lanes = new ConcurrentHashMap<>();
  private final PrintStream replies;

  private Main(PrintStream replies) {
    this.replies = replies;
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream replies = new PrintStream(System.out, true, StandardCharsets.US_ASCII);
    // Whatever a library prints must not end up between the replies.
    System.setOut(System.err);
    new Main(replies).serve();
    Runtime.getRuntime().halt(0);
  }

  private void serve() throws Exception {
    JsonObject ready = new JsonObject();
    ready.addProperty("ready", ProcessHandle.current().pid());
    reply(ready);
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      JsonObject request = JsonParser.parseString(line).getAsJsonObject();
      lanes
          .computeIfAbsent(request.get("lane").getAsString(), Main::lane)
          .execute(() -> answer(request));
    }
  }

  private static ExecutorService lane(String name) {
    return Executors.newSingleThreadExecutor(
        task -> {
          Thread thread = new Thread(task, name);
          thread.setDaemon(true);
          return thread;
        });
  }

  private void answer(JsonObject request) {
    JsonObject reply = new JsonObject();
    reply.add("id", request.get("id"));
    try {
      reply.add("ok", run(request));
    } catch (Throwable problem) {
      reply.add("error", described(problem));
    }
    reply(reply);
  }

  private JsonElement run(JsonObject request) throws Exception {
    String name = request.get("session").getAsString();
    String command = request.get("do").getAsString();
    if (command.equals("open")) {
      servers.put(name, new Server(request.getAsJsonObject("properties")));
      return JsonNull.INSTANCE;
    }
    if (command.equals("close")) {
      servers.remove(name).close();
      return JsonNull.INSTANCE;
    }
    return servers.get(name).run(command, request);
  }

  private synchronized void reply(JsonObject reply) {
    StringBuilder escaped = new StringBuilder();
    for (char each : GSON.toJson(reply).toCharArray()) {
      escaped.append(each < 0x7f ? String.valueOf(each) : String.format("\\u%04x", (int) each));
    }
    replies.print(escaped + "\n");
    replies.flush();
  }

  private static JsonObject described(Throwable problem) {
    JsonObject error = brief(problem);
    if (problem instanceof TransactionException failure) {
      error.addProperty("transaction_id", failure.getTransactionId().orElse(null));
    }
    JsonArray causes = new JsonArray();
    for (Throwable cause = problem.getCause(); cause != null; cause = cause.getCause()) {
      causes.add(brief(cause));
    }
    error.add("causes", causes);
    return error;
  }

  private static JsonObject brief(Throwable problem) {
    JsonObject error = new JsonObject();
    error.addProperty("class", problem.getClass().getSimpleName());
    error.add("code", JsonNull.INSTANCE);
    error.add("message", new JsonPrimitive(String.valueOf(problem.getMessage())));
    return error;
  }
}
