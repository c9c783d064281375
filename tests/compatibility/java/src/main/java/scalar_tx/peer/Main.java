package scalar_tx.peer;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * ScalarDB, driven over a pipe: a JSON object a line in, {@code {"id", "ok"}} or {@code {"id",
 * "error"}} a line out.
 *
 * <p>Requests of one {@code lane} run in order, on a thread of their own; lanes run beside each
 * other. The program ends when its input does.
 */
public final class Main {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  private final Map<String, Session> sessions = new ConcurrentHashMap<>();
  private final Map<String, ThreadPoolExecutor> lanes = new ConcurrentHashMap<>();
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
      lane(request.get("lane").getAsString()).execute(() -> answer(request));
    }
  }

  private ThreadPoolExecutor lane(String name) {
    return lanes.computeIfAbsent(
        name,
        unused -> {
          ThreadPoolExecutor lane =
              new ThreadPoolExecutor(
                  1,
                  1,
                  5,
                  TimeUnit.SECONDS,
                  new LinkedBlockingQueue<>(),
                  task -> {
                    Thread thread = new Thread(task, name);
                    thread.setDaemon(true);
                    return thread;
                  });
          lane.allowCoreThreadTimeOut(true);
          return lane;
        });
  }

  private void answer(JsonObject request) {
    JsonObject reply = new JsonObject();
    reply.add("id", request.get("id"));
    try {
      reply.add("ok", run(request));
    } catch (Throwable problem) {
      reply.add("error", Problems.describe(problem));
    }
    reply(reply);
  }

  private synchronized void reply(JsonObject reply) {
    replies.print(ascii(GSON.toJson(reply)) + "\n");
    replies.flush();
  }

  /** Half a surrogate pair has no UTF-8, but it has an escape. */
  private static String ascii(String json) {
    StringBuilder escaped = new StringBuilder(json.length());
    for (char each : json.toCharArray()) {
      if (each < 0x7f) {
        escaped.append(each);
      } else {
        escaped.append(String.format("\\u%04x", (int) each));
      }
    }
    return escaped.toString();
  }

  private JsonElement run(JsonObject request) throws Exception {
    String[] command = request.get("do").getAsString().split("\\.", 2);
    String name = request.get("session").getAsString();
    if (command[0].equals("session")) {
      return session(command[1], name, request);
    }
    Session session = sessions.get(name);
    if (session == null) {
      throw new IllegalArgumentException("no session " + name);
    }
    return switch (command[0]) {
      case "admin" -> Schema.run(command[1], session, request);
      case "tx" -> TransactionCommands.inside(command[1], session, request);
      case "manager" -> TransactionCommands.outside(command[1], session, request);
      case "two_phase" -> TransactionCommands.parts(command[1], session, request);
      case "storage" -> StorageCommands.run(command[1], session, request);
      case "watch" -> watch(command[1], Watch.of(name), request);
      case "load" -> load(command[1], session, request);
      default -> throw new IllegalArgumentException("no such command: " + command[0]);
    };
  }

  private JsonElement session(String command, String name, JsonObject request) {
    switch (command) {
      case "open" ->
          sessions.put(
              name,
              new Session(
                  name,
                  request.getAsJsonObject("properties"),
                  request.get("watched").getAsBoolean()));
      case "close" -> {
        Session session = sessions.remove(name);
        if (session != null) {
          session.close();
        }
      }
      default -> throw new IllegalArgumentException("no such command: session." + command);
    }
    return JsonNull.INSTANCE;
  }

  private static JsonElement load(String command, Session session, JsonObject request)
      throws Exception {
    return switch (command) {
      case "transfers" -> TransferLoad.run(session, request);
      default -> throw new IllegalArgumentException("no such command: load." + command);
    };
  }

  private static JsonElement watch(String command, Watch watch, JsonObject request)
      throws InterruptedException {
    switch (command) {
      case "fault" -> {
        return new JsonPrimitive(watch.add(request));
      }
      case "matched" -> {
        return new JsonPrimitive(watch.matched(request.get("rule").getAsInt()));
      }
      case "clear" -> watch.clear();
      case "await_paused" -> {
        return watch.awaitPaused(
            request.get("rule").getAsInt(), request.get("milliseconds").getAsLong());
      }
      case "release" -> {
        return new JsonPrimitive(
            request.has("rule")
                ? watch.release(request.get("rule").getAsInt())
                : watch.release());
      }
      case "record" -> watch.record();
      case "recorded" -> {
        return watch.recorded();
      }
      case "stop_recording" -> watch.stopRecording();
      default -> throw new IllegalArgumentException("no such command: watch." + command);
    }
    return JsonNull.INSTANCE;
  }
}
