package scalar_tx.bench;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.service.TransactionFactory;
import java.util.List;

/**
 * The Java library's side of the measurements.
 *
 * <p>{@code open} connects with ScalarDB's properties, {@code run} lets clients run a workload for
 * a while and reports what they did, {@code look} says what the records hold.
 */
public final class Main {
  private static final Gson GSON = new Gson();

  private DistributedTransactionManager manager;

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    Pipe.serve(new Main()::run);
  }

  private JsonElement run(JsonObject request) throws Exception {
    switch (request.get("do").getAsString()) {
      case "open" -> {
        manager = TransactionFactory.create(Pipe.properties(request)).getTransactionManager();
        return JsonNull.INSTANCE;
      }
      case "run" -> {
        return new Load(List.of(manager), workload(request), request).run();
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
