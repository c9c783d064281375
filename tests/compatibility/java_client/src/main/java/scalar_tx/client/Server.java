package scalar_tx.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.scalar.admin.RequestCoordinator;
import com.scalar.db.api.DistributedStorage;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.api.Mutation;
import com.scalar.db.api.Result;
import com.scalar.db.api.Scanner;
import com.scalar.db.api.TransactionCrudOperable;
import com.scalar.db.api.TransactionState;
import com.scalar.db.api.TwoPhaseCommitTransaction;
import com.scalar.db.api.TwoPhaseCommitTransactionManager;
import com.scalar.db.service.StorageFactory;
import com.scalar.db.service.TransactionFactory;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;

/** One server, and everything that the public API has of it. */
final class Server implements AutoCloseable {
  private final DistributedTransactionManager transactions;
  private final TwoPhaseCommitTransactionManager parts;
  private final DistributedStorage storage;
  private final Administration administration;
  private final RequestCoordinator pauses;
  private final Map<String, DistributedTransaction> open = new ConcurrentHashMap<>();
  private final Map<String, TwoPhaseCommitTransaction> openParts = new ConcurrentHashMap<>();
  private final Map<String, Scanner> scanners = new ConcurrentHashMap<>();

  Server(JsonObject given) {
    Properties properties = new Properties();
    given.asMap().forEach((name, value) -> properties.setProperty(name, value.getAsString()));
    TransactionFactory factory = TransactionFactory.create(properties);
    StorageFactory storages = StorageFactory.create(properties);
    transactions = factory.getTransactionManager();
    parts = factory.getTwoPhaseCommitTransactionManager();
    storage = storages.getStorage();
    administration = new Administration(storages.getStorageAdmin(), factory.getTransactionAdmin());
    String host = given.get("scalar.db.contact_points").getAsString();
    int port = given.get("scalar.db.contact_port").getAsInt();
    pauses = new RequestCoordinator(List.of(new InetSocketAddress(host, port)));
  }

  JsonElement run(String command, JsonObject request) throws Exception {
    String[] of = command.split("\\.", 2);
    return switch (of[0]) {
      case "admin" -> administration.run(of[1], request);
      case "manager" -> manager(of[1], request);
      case "tx" -> transaction(of[1], open.get(name(request)), request);
      case "part" -> part(of[1], openParts.get(name(request)), request);
      case "storage" -> storage(of[1], request);
      case "pauses" -> pauses(of[1], request);
      default -> throw new IllegalArgumentException("no such command: " + command);
    };
  }

  private static String name(JsonObject request) {
    return request.get("tx").getAsString();
  }

  private JsonElement manager(String command, JsonObject request) throws Exception {
    String id = request.has("tx") ? name(request) : null;
    return switch (command) {
      case "begin" -> opened(id == null ? transactions.begin() : transactions.begin(id));
      case "start" -> opened(id == null ? transactions.start() : transactions.start(id));
      case "state" -> state(transactions.getState(id));
      case "rollback" -> state(transactions.rollback(id));
      case "abort" -> state(transactions.abort(id));
      case "begin_part" -> opened(id == null ? parts.begin() : parts.begin(id));
      case "join" -> opened(parts.join(id));
      case "state_of_part" -> state(parts.getState(id));
      case "rollback_part" -> state(parts.rollback(id));
      // One-shot calls, which this client makes of begin, operation and commit.
      case "get" -> Values.result(transactions.get(Operations.get(request)));
      case "put" -> {
        transactions.put(Operations.put(request));
        yield JsonNull.INSTANCE;
      }
      default -> throw new IllegalArgumentException("no such command: manager." + command);
    };
  }

  private JsonElement opened(DistributedTransaction transaction) {
    open.put(transaction.getId(), transaction);
    return new JsonPrimitive(transaction.getId());
  }

  private JsonElement opened(TwoPhaseCommitTransaction part) {
    openParts.put(part.getId(), part);
    return new JsonPrimitive(part.getId());
  }

  private static JsonElement state(TransactionState state) {
    return new JsonPrimitive(state.name());
  }

  private static JsonElement transaction(
      String command, DistributedTransaction transaction, JsonObject request) throws Exception {
    switch (command) {
      case "commit" -> transaction.commit();
      case "rollback" -> transaction.rollback();
      case "abort" -> transaction.abort();
      default -> {
        return crud(command, transaction, request);
      }
    }
    return JsonNull.INSTANCE;
  }

  private static JsonElement part(
      String command, TwoPhaseCommitTransaction part, JsonObject request) throws Exception {
    switch (command) {
      case "prepare" -> part.prepare();
      case "validate" -> part.validate();
      case "commit" -> part.commit();
      case "rollback" -> part.rollback();
      case "abort" -> part.abort();
      default -> {
        return crud(command, part, request);
      }
    }
    return JsonNull.INSTANCE;
  }

  private static JsonElement crud(
      String command, TransactionCrudOperable transaction, JsonObject request) throws Exception {
    switch (command) {
      case "get" -> {
        return Values.result(transaction.get(Operations.get(request)));
      }
      case "scan" -> {
        return Values.results(transaction.scan(Operations.scan(request)));
      }
      case "put" -> transaction.put(Operations.put(request));
      case "delete" -> transaction.delete(Operations.delete(request));
      case "mutate" -> transaction.mutate(mutations(request));
      default -> throw new IllegalArgumentException("no such command: " + command);
    }
    return JsonNull.INSTANCE;
  }

  private static List<Mutation> mutations(JsonObject request) {
    List<Mutation> mutations = new ArrayList<>();
    for (JsonElement each : request.getAsJsonArray("mutations")) {
      JsonObject one = each.getAsJsonObject();
      boolean put = one.has("values");
      mutations.add(put ? Operations.put(one) : Operations.delete(one));
    }
    return mutations;
  }

  private JsonElement storage(String command, JsonObject request) throws Exception {
    switch (command) {
      case "get" -> {
        return Values.result(storage.get(Operations.get(request)));
      }
      case "scan" -> {
        try (Scanner scanner = storage.scan(Operations.scan(request))) {
          return Values.results(scanner.all());
        }
      }
      case "open_scan" -> scanners.put(name(request), storage.scan(Operations.scan(request)));
      case "next" -> {
        Optional<Result> next = scanners.get(name(request)).one();
        return Values.result(next);
      }
      case "close_scan" -> scanners.remove(name(request)).close();
      case "put" -> storage.put(Operations.put(request));
      case "delete" -> storage.delete(Operations.delete(request));
      case "mutate" -> storage.mutate(mutations(request));
      default -> throw new IllegalArgumentException("no such command: storage." + command);
    }
    return JsonNull.INSTANCE;
  }

  private JsonElement pauses(String command, JsonObject request) {
    switch (command) {
      case "pause" -> {
        Long longest = request.has("longest") ? request.get("longest").getAsLong() : null;
        pauses.pause(request.get("wait").getAsBoolean(), longest);
      }
      case "unpause" -> pauses.unpause();
      case "paused" -> {
        JsonArray answers = new JsonArray();
        pauses.checkPaused().values().forEach(each -> answers.add(each.toString()));
        return answers;
      }
      default -> throw new IllegalArgumentException("no such command: pauses." + command);
    }
    return JsonNull.INSTANCE;
  }

  @Override
  public void close() throws Exception {
    transactions.close();
    parts.close();
    storage.close();
    administration.close();
  }
}
