package scalar_tx.peer;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.scalar.db.api.DistributedStorage;
import com.scalar.db.api.Scanner;
import com.scalar.db.exception.storage.ExecutionException;
import java.io.IOException;

/** Rows as the storage layer has them, transaction columns included. */
final class StorageCommands {
  private StorageCommands() {}

  static JsonElement run(String command, Session session, JsonObject wanted)
      throws ExecutionException, IOException {
    DistributedStorage storage = session.storage();
    switch (command) {
      case "get" -> {
        return storage
            .get(Operations.get(wanted))
            .map(row -> (JsonElement) Cells.row(row))
            .orElse(JsonNull.INSTANCE);
      }
      case "scan" -> {
        try (Scanner scanner = storage.scan(Operations.scan(wanted))) {
          return Cells.rows(scanner.all());
        }
      }
      case "put" -> storage.put(Operations.put(wanted));
      case "delete" -> storage.delete(Operations.delete(wanted));
      case "mutate" -> storage.mutate(Operations.mutations(wanted.getAsJsonArray("mutations")));
      default -> throw new IllegalArgumentException("no such command: storage." + command);
    }
    return JsonNull.INSTANCE;
  }
}
