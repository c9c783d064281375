package scalar_tx.peer;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.TransactionCrudOperable;
import com.scalar.db.api.TwoPhaseCommitTransaction;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import scalar_tx.peer.Operations.Table;

/** What can be done inside a transaction, and about one from outside. */
final class TransactionCommands {
  private TransactionCommands() {}

  static JsonElement inside(String command, Session session, JsonObject wanted)
      throws TransactionException {
    TransactionCrudOperable tx = session.transaction(wanted.get("tx").getAsString());
    switch (command) {
      case "get" -> {
        return tx.get(Operations.get(wanted))
            .map(row -> (JsonElement) Cells.row(row))
            .orElse(JsonNull.INSTANCE);
      }
      case "scan" -> {
        return Cells.rows(tx.scan(Operations.scan(wanted)));
      }
      case "insert" -> tx.insert(Operations.insert(wanted));
      case "upsert" -> tx.upsert(Operations.upsert(wanted));
      case "update" -> tx.update(Operations.update(wanted));
      case "put" -> put(tx, wanted);
      case "delete" -> tx.delete(Operations.delete(wanted));
      case "mutate" -> tx.mutate(Operations.mutations(wanted.getAsJsonArray("mutations")));
      default -> end(command, tx);
    }
    return JsonNull.INSTANCE;
  }

  private static void end(String command, TransactionCrudOperable tx) throws TransactionException {
    if (tx instanceof DistributedTransaction whole) {
      switch (command) {
        case "commit" -> whole.commit();
        case "rollback" -> whole.rollback();
        default -> throw new IllegalArgumentException("no such command: tx." + command);
      }
      return;
    }
    TwoPhaseCommitTransaction part = (TwoPhaseCommitTransaction) tx;
    switch (command) {
      case "prepare" -> part.prepare();
      case "validate" -> part.validate();
      case "commit" -> part.commit();
      case "rollback" -> part.rollback();
      default -> throw new IllegalArgumentException("no such command: tx." + command);
    }
  }

  @SuppressWarnings("deprecation") // Older programs put, so we must.
  private static void put(TransactionCrudOperable tx, JsonObject wanted)
      throws TransactionException {
    tx.put(Operations.put(wanted));
  }

  static JsonElement outside(String command, Session session, JsonObject wanted)
      throws TransactionException {
    return switch (command) {
      case "begin" -> begin(session, wanted);
      case "state" -> new JsonPrimitive(session.manager().getState(id(wanted)).name());
      case "rollback_by_id" -> new JsonPrimitive(session.manager().rollback(id(wanted)).name());
      case "finish" -> new JsonPrimitive(LaterApi.finish(session.manager(), id(wanted)));
      case "recover" -> recover(session, wanted);
      default -> throw new IllegalArgumentException("no such command: manager." + command);
    };
  }

  private static JsonElement begin(Session session, JsonObject wanted)
      throws TransactionException {
    String id = wanted.has("id_wanted") ? wanted.get("id_wanted").getAsString() : null;
    boolean readOnly = wanted.has("read_only") && wanted.get("read_only").getAsBoolean();
    DistributedTransaction tx =
        LaterApi.begin(session.manager(), id, readOnly, Operations.attributes(wanted));
    return kept(session, tx, tx.getId());
  }

  /** Parts of a transaction: who begins it coordinates it, who joins it has its id from there. */
  static JsonElement parts(String command, Session session, JsonObject wanted)
      throws TransactionException {
    TwoPhaseCommitTransaction part =
        switch (command) {
          case "begin" ->
              wanted.has("transaction_id")
                  ? session.twoPhase().begin(id(wanted))
                  : session.twoPhase().begin();
          case "join" -> session.twoPhase().join(id(wanted));
          case "resume" -> session.twoPhase().resume(id(wanted));
          default -> throw new IllegalArgumentException("no such command: two_phase." + command);
        };
    return kept(session, part, part.getId());
  }

  private static JsonObject kept(Session session, TransactionCrudOperable tx, String id) {
    JsonObject begun = new JsonObject();
    begun.addProperty("tx", session.keep(tx));
    begun.addProperty("id", id);
    return begun;
  }

  private static JsonElement recover(Session session, JsonObject wanted)
      throws TransactionException {
    Table table = Operations.table(wanted);
    Key partition = Cells.key(wanted.getAsJsonObject("partition"));
    Key clustering =
        wanted.has("clustering") ? Cells.key(wanted.getAsJsonObject("clustering")) : Key.of();
    return new JsonPrimitive(
        LaterApi.recover(
            session.manager(), table.namespace(), table.name(), partition, clustering));
  }

  private static String id(JsonObject wanted) {
    return wanted.get("transaction_id").getAsString();
  }
}
