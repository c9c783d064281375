package scalar_tx.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.api.Put;
import com.scalar.db.api.Result;
import com.scalar.db.exception.transaction.TransactionException;
import com.scalar.db.io.Key;
import com.scalar.db.service.TransactionFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Clients of ScalarDB Server: the library of 3.13 with its own gRPC.
 *
 * <p>{@code open} connects so many managers, each of which has a connection of its own; {@code run}
 * lets clients run {@code ycsb-f-1} for a while and reports what they did.
 */
public final class OverGrpc implements Workload {
  private final List<DistributedTransactionManager> managers = new ArrayList<>();

  private OverGrpc() {}

  public static void main(String[] arguments) throws Exception {
    Pipe.serve(new OverGrpc()::run);
  }

  private JsonElement run(JsonObject request) throws Exception {
    switch (request.get("do").getAsString()) {
      case "open" -> {
        for (int number = 0; number < request.get("connections").getAsInt(); number++) {
          managers.add(
              TransactionFactory.create(Pipe.properties(request)).getTransactionManager());
        }
        return JsonNull.INSTANCE;
      }
      case "run" -> {
        return new Load(managers, this, request).run();
      }
      default -> throw new IllegalArgumentException("no such command: " + request.get("do"));
    }
  }

  @Override
  public Operation drawn(Random dice) {
    int key = dice.nextInt(Records.RECORDS);
    String text = Records.payload(dice);
    return tx -> change(tx, key, text);
  }

  // The library wants an update, which its protocol does not have; this is the same write.
  @SuppressWarnings("deprecation")
  private static boolean change(DistributedTransaction tx, int key, String text)
      throws TransactionException {
    String namespace = Records.NAMESPACES[0];
    Result row =
        tx.get(Records.get(namespace, key))
            .orElseThrow(() -> new IllegalStateException("record " + key + " is missing"));
    if (row.getText(Records.PAYLOAD).length() != Records.SIZE) {
      throw new IllegalStateException("record " + key + " is not what was written");
    }
    tx.put(
        Put.newBuilder()
            .namespace(namespace)
            .table(Records.TABLE)
            .partitionKey(Key.ofInt(Records.KEY, key))
            .textValue(Records.PAYLOAD, text)
            .build());
    return true;
  }
}
