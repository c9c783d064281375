package scalar_tx.peer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.scalar.db.api.Admin;
import com.scalar.db.api.Scan.Ordering.Order;
import com.scalar.db.api.TableMetadata;
import com.scalar.db.exception.storage.ExecutionException;
import com.scalar.db.io.DataType;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import scalar_tx.peer.Operations.Table;

/** Namespaces and tables: the administrative commands. */
final class Schema {
  private Schema() {}

  /** The admin for transactional tables, or, where the command says {@code raw}, the storage's. */
  private static Admin admin(Session session, JsonObject wanted) {
    boolean raw = wanted.has("raw") && wanted.get("raw").getAsBoolean();
    return raw ? session.storageAdmin() : session.admin();
  }

  static JsonElement run(String command, Session session, JsonObject wanted)
      throws ExecutionException {
    Admin admin = admin(session, wanted);
    Map<String, String> options = options(wanted);
    switch (command) {
      case "create_namespace" ->
          admin.createNamespace(wanted.get("namespace").getAsString(), true, options);
      case "drop_namespace" -> admin.dropNamespace(wanted.get("namespace").getAsString(), true);
      case "create_table" -> {
        Table table = Operations.table(wanted);
        admin.createTable(
            table.namespace(), table.name(), metadata(wanted), ifNotExists(wanted), options);
      }
      case "drop_table" -> {
        Table table = Operations.table(wanted);
        admin.dropTable(table.namespace(), table.name());
      }
      case "truncate_table" -> {
        Table table = Operations.table(wanted);
        admin.truncateTable(table.namespace(), table.name());
      }
      case "repair_table" -> {
        Table table = Operations.table(wanted);
        admin.repairTable(table.namespace(), table.name(), metadata(wanted), options);
      }
      case "create_index" -> {
        Table table = Operations.table(wanted);
        String column = wanted.get("column").getAsString();
        admin.createIndex(table.namespace(), table.name(), column, options);
      }
      case "drop_index" -> {
        Table table = Operations.table(wanted);
        admin.dropIndex(table.namespace(), table.name(), wanted.get("column").getAsString());
      }
      case "add_column" -> {
        Table table = Operations.table(wanted);
        String column = wanted.get("column").getAsString();
        DataType type = DataType.valueOf(wanted.get("type").getAsString());
        admin.addNewColumnToTable(table.namespace(), table.name(), column, type);
      }
      case "import_table" -> {
        Table table = Operations.table(wanted);
        admin.importTable(table.namespace(), table.name(), options);
      }
      case "create_coordinator" ->
          session.admin().createCoordinatorTables(ifNotExists(wanted), options);
      case "drop_coordinator" -> session.admin().dropCoordinatorTables(true);
      case "repair_coordinator" -> session.admin().repairCoordinatorTables(options);
      case "describe" -> {
        Table table = Operations.table(wanted);
        return describe(admin.getTableMetadata(table.namespace(), table.name()));
      }
      case "tables" -> {
        String namespace = wanted.get("namespace").getAsString();
        return names(admin.getNamespaceTableNames(namespace));
      }
      case "namespaces" -> {
        return names(admin.getNamespaceNames());
      }
      default -> {
        return LaterApi.alter(command, admin, wanted);
      }
    }
    return JsonNull.INSTANCE;
  }

  private static boolean ifNotExists(JsonObject wanted) {
    return wanted.has("if_not_exists") && wanted.get("if_not_exists").getAsBoolean();
  }

  private static Map<String, String> options(JsonObject wanted) {
    Map<String, String> options = new HashMap<>();
    if (wanted.has("options")) {
      wanted
          .getAsJsonObject("options")
          .entrySet()
          .forEach(entry -> options.put(entry.getKey(), entry.getValue().getAsString()));
    }
    return options;
  }

  private static TableMetadata metadata(JsonObject wanted) {
    TableMetadata.Builder metadata = TableMetadata.newBuilder();
    wanted
        .getAsJsonObject("columns")
        .entrySet()
        .forEach(
            column ->
                metadata.addColumn(
                    column.getKey(), DataType.valueOf(column.getValue().getAsString())));
    wanted.getAsJsonArray("partition_key").forEach(n -> metadata.addPartitionKey(n.getAsString()));
    for (JsonElement each : wanted.getAsJsonArray("clustering_key")) {
      JsonArray parts = each.getAsJsonArray();
      metadata.addClusteringKey(
          parts.get(0).getAsString(), Order.valueOf(parts.get(1).getAsString()));
    }
    wanted.getAsJsonArray("indexes").forEach(n -> metadata.addSecondaryIndex(n.getAsString()));
    return metadata.build();
  }

  private static JsonElement describe(TableMetadata metadata) {
    if (metadata == null) {
      return JsonNull.INSTANCE;
    }
    JsonObject table = new JsonObject();
    JsonObject columns = new JsonObject();
    for (String name : metadata.getColumnNames()) {
      columns.addProperty(name, metadata.getColumnDataType(name).name());
    }
    table.add("columns", columns);
    JsonArray partitionKey = new JsonArray();
    metadata.getPartitionKeyNames().forEach(partitionKey::add);
    table.add("partition_key", partitionKey);
    JsonArray clusteringKey = new JsonArray();
    for (String name : metadata.getClusteringKeyNames()) {
      JsonArray parts = new JsonArray();
      parts.add(name);
      parts.add(metadata.getClusteringOrder(name).name());
      clusteringKey.add(parts);
    }
    table.add("clustering_key", clusteringKey);
    table.add("indexes", names(metadata.getSecondaryIndexNames()));
    return table;
  }

  private static JsonArray names(Iterable<String> found) {
    TreeSet<String> sorted = new TreeSet<>();
    found.forEach(sorted::add);
    JsonArray names = new JsonArray();
    sorted.forEach(names::add);
    return names;
  }
}
