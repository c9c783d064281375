package scalar_tx.bench;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.service.TransactionFactory;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * The Java library's side of the measurements: a JSON object a line in, {@code {"ok"}} or {@code
 * {"error"}} a line out. The program ends when its input does.
 *
 * <p>{@code open} connects with ScalarDB's properties, {@code run} lets clients run a workload for
 * a while and reports what they did, {@code look} says what the records hold.
 */
public final class Main {
  private static final Gson GSON = new Gson();

  private DistributedTransactionManager manager;

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream replies = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    // Whatever a library prints must not end up between the replies.
    System.setOut(System.err);
    Main main = new Main();
    BufferedReader requests =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      JsonObject reply = new JsonObject();
      try {
        reply.add("ok", main.run(JsonParser.parseString(line).getAsJsonObject()));
      } catch (Exception | AssertionError problem) {
        problem.printStackTrace();
        reply.addProperty("error", String.valueOf(problem));
      }
      replies.println(GSON.toJson(reply));
    }
    Runtime.getRuntime().halt(0);
  }

  private JsonElement run(JsonObject request) throws Exception {
    switch (request.get("do").getAsString()) {
      case "open" -> {
        Properties properties = new Properties();
        request
            .getAsJsonObject("properties")
            .entrySet()
            .forEach(one -> properties.setProperty(one.getKey(), one.getValue().getAsString()));
        manager = TransactionFactory.create(properties).getTransactionManager();
        return JsonNull.INSTANCE;
      }
      case "run" -> {
        return new Load(manager, workload(request), request).run();
      }
      case "look" -> {
        return Look.at(manager, request.get("workload").getAsString());
      }
      default -> throw new IllegalArgumentException("no such command: " + request.get("do"));
    }
  }

  private static Workload workload(JsonObject request) {
    String name = request.get("workload").getAsString();
    if (name.startsWith("tpcc")) {
      return new Tpcc(name, GSON.fromJson(request.get("scale"), Scale.class));
    }
    return new Ycsb(name);
  }
}
