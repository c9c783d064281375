package scalar_tx.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.scalar.db.api.Admin;
import com.scalar.db.api.DistributedStorageAdmin;
import com.scalar.db.api.DistributedTransactionAdmin;
import com.scalar.db.api.Scan.Ordering.Order;
import com.scalar.db.api.TableMetadata;
import com.scalar.db.io.DataType;
import java.util.Map;
import java.util.TreeSet;

/** Namespaces and tables, through storage administration or the transactional one. */
final class Administration implements AutoCloseable {
  private final DistributedStorageAdmin stored;
  private final DistributedTransactionAdmin transactional;

  Administration(DistributedStorageAdmin stored, DistributedTransactionAdmin transactional) {
    this.stored = stored;
    this.transactional = transactional;
  }

  JsonElement run(String command, JsonObject request) throws Exception {
    Admin admin = request.has("stored") ? stored : transactional;
    String namespace = text(request, "namespace");
    String table = text(request, "table");
    String column = text(request, "column");
    switch (command) {
      case "create_namespace" -> admin.createNamespace(namespace, request.has("lenient"));
      case "drop_namespace" -> admin.dropNamespace(namespace, request.has("lenient"));
      case "create_table" ->
          admin.createTable(namespace, table, metadata(request), request.has("lenient"));
      case "drop_table" -> admin.dropTable(namespace, table, request.has("lenient"));
      case "truncate_table" -> admin.truncateTable(namespace, table);
      case "create_index" ->
          admin.createIndex(namespace, table, column, request.has("lenient"));
      case "drop_index" -> admin.dropIndex(namespace, table, column, request.has("lenient"));
      case "add_column" ->
          admin.addNewColumnToTable(
              namespace, table, column, DataType.valueOf(text(request, "type")));
      case "repair_table" -> admin.repairTable(namespace, table, metadata(request), Map.of());
      case "create_coordinator" ->
          transactional.createCoordinatorTables(request.has("lenient"));
      case "drop_coordinator" -> transactional.dropCoordinatorTables(request.has("lenient"));
      case "truncate_coordinator" -> transactional.truncateCoordinatorTables();
      case "repair_coordinator" -> transactional.repairCoordinatorTables(Map.of());
      default -> {
        return asked(command, admin, request);
      }
    }
    return JsonNull.INSTANCE;
  }

  private JsonElement asked(String command, Admin admin, JsonObject request) throws Exception {
    String namespace = text(request, "namespace");
    String table = text(request, "table");
    return switch (command) {
      case "namespace_exists" -> new JsonPrimitive(admin.namespaceExists(namespace));
      case "table_exists" -> new JsonPrimitive(admin.tableExists(namespace, table));
      case "index_exists" ->
          new JsonPrimitive(admin.indexExists(namespace, table, text(request, "column")));
      case "coordinator_exists" -> new JsonPrimitive(transactional.coordinatorTablesExist());
      case "tables" -> texts(new TreeSet<>(admin.getNamespaceTableNames(namespace)));
      case "metadata" -> described(admin.getTableMetadata(namespace, table));
      default -> throw new IllegalArgumentException("no such command: admin." + command);
    };
  }

  private static TableMetadata metadata(JsonObject request) {
    TableMetadata.Builder builder = TableMetadata.newBuilder();
    request
        .getAsJsonObject("columns")
        .asMap()
        .forEach((name, type) -> builder.addColumn(name, DataType.valueOf(type.getAsString())));
    Values.texts(request, "partition_key").forEach(builder::addPartitionKey);
    request
        .getAsJsonObject("clustering_key")
        .asMap()
        .forEach(
            (name, order) ->
                builder.addClusteringKey(name, Order.valueOf(order.getAsString())));
    Values.texts(request, "indexes").forEach(builder::addSecondaryIndex);
    return builder.build();
  }

  private static JsonElement described(TableMetadata metadata) {
    if (metadata == null) {
      return JsonNull.INSTANCE;
    }
    JsonObject described = new JsonObject();
    JsonObject columns = new JsonObject();
    metadata.getColumnDataTypes().forEach((name, type) -> columns.addProperty(name, type.name()));
    described.add("columns", columns);
    described.add("partition_key", texts(metadata.getPartitionKeyNames()));
    JsonObject clustering = new JsonObject();
    for (String name : metadata.getClusteringKeyNames()) {
      clustering.addProperty(name, metadata.getClusteringOrder(name).name());
    }
    described.add("clustering_key", clustering);
    described.add("indexes", texts(new TreeSet<>(metadata.getSecondaryIndexNames())));
    return described;
  }

  private static JsonArray texts(Iterable<String> given) {
    JsonArray texts = new JsonArray();
    given.forEach(texts::add);
    return texts;
  }

  private static String text(JsonObject request, String name) {
    return request.has(name) ? request.get(name).getAsString() : null;
  }

  @Override
  public void close() {
    stored.close();
    transactional.close();
  }
}
