package scalar_tx.bench;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * What a program is asked, and answers: a JSON object a line in, {@code {"ok"}} or {@code
 * {"error"}} a line out. The program ends when its input does.
 */
final class Pipe {
  private static final Gson GSON = new Gson();

  private Pipe() {}

  /** What a program can be asked. */
  interface Command {
    JsonElement run(JsonObject request) throws Exception;
  }

  static void serve(Command command) throws Exception {
    PrintStream replies = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // Whatever a library prints must not end up between the replies.
    System.setOut(System.err);
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      JsonObject reply = new JsonObject();
      try {
        reply.add("ok", command.run(JsonParser.parseString(line).getAsJsonObject()));
      } catch (Exception | AssertionError problem) {
        problem.printStackTrace();
        reply.addProperty("error", String.valueOf(problem));
      }
      replies.println(GSON.toJson(reply));
    }
    Runtime.getRuntime().halt(0);
  }

  /** The properties that a request names. */
  static Properties properties(JsonObject request) {
    Properties properties = new Properties();
    request
        .getAsJsonObject("properties")
        .entrySet()
        .forEach(one -> properties.setProperty(one.getKey(), one.getValue().getAsString()));
    return properties;
  }
}
