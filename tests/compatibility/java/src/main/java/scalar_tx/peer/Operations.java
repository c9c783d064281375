package scalar_tx.peer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.scalar.db.api.AndConditionSet;
import com.scalar.db.api.ConditionBuilder;
import com.scalar.db.api.ConditionSetBuilder;
import com.scalar.db.api.ConditionalExpression;
import com.scalar.db.api.ConditionalExpression.Operator;
import com.scalar.db.api.Consistency;
import com.scalar.db.api.Delete;
import com.scalar.db.api.Get;
import com.scalar.db.api.Insert;
import com.scalar.db.api.Mutation;
import com.scalar.db.api.MutationCondition;
import com.scalar.db.api.Put;
import com.scalar.db.api.Scan;
import com.scalar.db.api.Scan.Ordering;
import com.scalar.db.api.Update;
import com.scalar.db.api.Upsert;
import com.scalar.db.io.Column;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which ScalarDB operation a JSON object asks for. */
final class Operations {
  private Operations() {}

  static Get get(JsonObject wanted) {
    Table table = table(wanted);
    Set<AndConditionSet> where = where(wanted);
    if (wanted.has("index")) {
      var get =
          Get.newBuilder()
              .namespace(table.namespace)
              .table(table.name)
              .indexKey(Cells.key(wanted.getAsJsonObject("index")))
              .projections(projections(wanted))
              .consistency(consistency(wanted))
              .attributes(attributes(wanted));
      return where.isEmpty() ? get.build() : get.whereOr(where).build();
    }
    var get =
        Get.newBuilder()
            .namespace(table.namespace)
            .table(table.name)
            .partitionKey(Cells.key(wanted.getAsJsonObject("partition")));
    if (wanted.has("clustering")) {
      get = get.clusteringKey(Cells.key(wanted.getAsJsonObject("clustering")));
    }
    get.projections(projections(wanted))
        .consistency(consistency(wanted))
        .attributes(attributes(wanted));
    return where.isEmpty() ? get.build() : get.whereOr(where).build();
  }

  static Scan scan(JsonObject wanted) {
    Table table = table(wanted);
    Set<AndConditionSet> where = where(wanted);
    int limit = wanted.has("limit") ? wanted.get("limit").getAsInt() : 0;
    if (wanted.has("index")) {
      var scan =
          Scan.newBuilder()
              .namespace(table.namespace)
              .table(table.name)
              .indexKey(Cells.key(wanted.getAsJsonObject("index")))
              .projections(projections(wanted))
              .limit(limit)
              .consistency(consistency(wanted))
              .attributes(attributes(wanted));
      return where.isEmpty() ? scan.build() : scan.whereOr(where).build();
    }
    if (wanted.has("all")) {
      var scan =
          Scan.newBuilder()
              .namespace(table.namespace)
              .table(table.name)
              .all()
              .projections(projections(wanted))
              .orderings(orderings(wanted))
              .limit(limit)
              .consistency(consistency(wanted))
              .attributes(attributes(wanted));
      return where.isEmpty() ? scan.build() : scan.whereOr(where).build();
    }
    var scan =
        Scan.newBuilder()
            .namespace(table.namespace)
            .table(table.name)
            .partitionKey(Cells.key(wanted.getAsJsonObject("partition")));
    if (wanted.has("start")) {
      JsonObject start = wanted.getAsJsonObject("start");
      scan.start(
          Cells.key(start.getAsJsonObject("key")), start.get("inclusive").getAsBoolean());
    }
    if (wanted.has("end")) {
      JsonObject end = wanted.getAsJsonObject("end");
      scan.end(Cells.key(end.getAsJsonObject("key")), end.get("inclusive").getAsBoolean());
    }
    scan.projections(projections(wanted))
        .orderings(orderings(wanted))
        .limit(limit)
        .consistency(consistency(wanted))
        .attributes(attributes(wanted));
    return where.isEmpty() ? scan.build() : scan.whereOr(where).build();
  }

  static Mutation mutation(JsonObject wanted) {
    String kind = wanted.get("op").getAsString();
    return switch (kind) {
      case "insert" -> insert(wanted);
      case "upsert" -> upsert(wanted);
      case "update" -> update(wanted);
      case "put" -> put(wanted);
      case "delete" -> delete(wanted);
      default -> throw new IllegalArgumentException("not a mutation: " + kind);
    };
  }

  static List<Mutation> mutations(JsonArray wanted) {
    List<Mutation> mutations = new ArrayList<>();
    wanted.forEach(each -> mutations.add(mutation(each.getAsJsonObject())));
    return mutations;
  }

  static Insert insert(JsonObject wanted) {
    Table table = table(wanted);
    var insert =
        Insert.newBuilder()
            .namespace(table.namespace)
            .table(table.name)
            .partitionKey(Cells.key(wanted.getAsJsonObject("partition")))
            .attributes(attributes(wanted));
    if (wanted.has("clustering")) {
      insert.clusteringKey(Cells.key(wanted.getAsJsonObject("clustering")));
    }
    values(wanted).forEach(insert::value);
    return insert.build();
  }

  static Upsert upsert(JsonObject wanted) {
    Table table = table(wanted);
    var upsert =
        Upsert.newBuilder()
            .namespace(table.namespace)
            .table(table.name)
            .partitionKey(Cells.key(wanted.getAsJsonObject("partition")))
            .attributes(attributes(wanted));
    if (wanted.has("clustering")) {
      upsert.clusteringKey(Cells.key(wanted.getAsJsonObject("clustering")));
    }
    values(wanted).forEach(upsert::value);
    return upsert.build();
  }

  static Update update(JsonObject wanted) {
    Table table = table(wanted);
    var update =
        Update.newBuilder()
            .namespace(table.namespace)
            .table(table.name)
            .partitionKey(Cells.key(wanted.getAsJsonObject("partition")))
            .attributes(attributes(wanted));
    if (wanted.has("clustering")) {
      update.clusteringKey(Cells.key(wanted.getAsJsonObject("clustering")));
    }
    if (wanted.has("condition")) {
      update.condition(condition("update", wanted.getAsJsonObject("condition")));
    }
    values(wanted).forEach(update::value);
    return update.build();
  }

  @SuppressWarnings("deprecation") // The flags of a put are deprecated with the put itself.
  static Put put(JsonObject wanted) {
    Table table = table(wanted);
    var put =
        Put.newBuilder()
            .namespace(table.namespace)
            .table(table.name)
            .partitionKey(Cells.key(wanted.getAsJsonObject("partition")))
            .consistency(consistency(wanted))
            .attributes(attributes(wanted));
    if (wanted.has("clustering")) {
      put.clusteringKey(Cells.key(wanted.getAsJsonObject("clustering")));
    }
    if (wanted.has("condition")) {
      put.condition(condition("put", wanted.getAsJsonObject("condition")));
    }
    if (wanted.has("implicit_pre_read")) {
      put.implicitPreReadEnabled(wanted.get("implicit_pre_read").getAsBoolean());
    }
    if (wanted.has("insert_mode")) {
      put.insertModeEnabled(wanted.get("insert_mode").getAsBoolean());
    }
    values(wanted).forEach(put::value);
    return put.build();
  }

  static Delete delete(JsonObject wanted) {
    Table table = table(wanted);
    var delete =
        Delete.newBuilder()
            .namespace(table.namespace)
            .table(table.name)
            .partitionKey(Cells.key(wanted.getAsJsonObject("partition")))
            .consistency(consistency(wanted))
            .attributes(attributes(wanted));
    if (wanted.has("clustering")) {
      delete.clusteringKey(Cells.key(wanted.getAsJsonObject("clustering")));
    }
    if (wanted.has("condition")) {
      delete.condition(condition("delete", wanted.getAsJsonObject("condition")));
    }
    return delete.build();
  }

  record Table(String namespace, String name) {}

  static Table table(JsonObject wanted) {
    return table(wanted.get("table").getAsString());
  }

  static Table table(String full) {
    int dot = full.indexOf('.');
    if (dot < 0) {
      throw new IllegalArgumentException("not namespace.table: " + full);
    }
    return new Table(full.substring(0, dot), full.substring(dot + 1));
  }

  private static List<Column<?>> values(JsonObject wanted) {
    return wanted.has("values") ? Cells.columns(wanted.getAsJsonObject("values")) : List.of();
  }

  private static List<String> projections(JsonObject wanted) {
    List<String> names = new ArrayList<>();
    if (wanted.has("projections")) {
      wanted.getAsJsonArray("projections").forEach(name -> names.add(name.getAsString()));
    }
    return names;
  }

  private static List<Ordering> orderings(JsonObject wanted) {
    List<Ordering> orderings = new ArrayList<>();
    if (wanted.has("orderings")) {
      for (JsonElement each : wanted.getAsJsonArray("orderings")) {
        String column = each.getAsJsonArray().get(0).getAsString();
        boolean descending = each.getAsJsonArray().get(1).getAsString().equals("DESC");
        orderings.add(descending ? Ordering.desc(column) : Ordering.asc(column));
      }
    }
    return orderings;
  }

  private static Consistency consistency(JsonObject wanted) {
    return wanted.has("consistency")
        ? Consistency.valueOf(wanted.get("consistency").getAsString())
        : Consistency.LINEARIZABLE;
  }

  static Map<String, String> attributes(JsonObject wanted) {
    Map<String, String> attributes = new HashMap<>();
    if (wanted.has("attributes")) {
      wanted
          .getAsJsonObject("attributes")
          .entrySet()
          .forEach(entry -> attributes.put(entry.getKey(), entry.getValue().getAsString()));
    }
    return attributes;
  }

  /** A disjunction of conjunctions: a list of lists of {@code [column, operator, cell, escape?]}. */
  private static Set<AndConditionSet> where(JsonObject wanted) {
    Set<AndConditionSet> alternatives = new LinkedHashSet<>();
    if (wanted.has("where")) {
      for (JsonElement each : wanted.getAsJsonArray("where")) {
        Set<ConditionalExpression> all = new LinkedHashSet<>(expressions(each.getAsJsonArray()));
        alternatives.add(ConditionSetBuilder.andConditionSet(all).build());
      }
    }
    return alternatives;
  }

  private static MutationCondition condition(String of, JsonObject wanted) {
    String kind = of + "_" + wanted.get("kind").getAsString();
    return switch (kind) {
      case "put_if_exists" -> ConditionBuilder.putIfExists();
      case "put_if_not_exists" -> ConditionBuilder.putIfNotExists();
      case "update_if_exists" -> ConditionBuilder.updateIfExists();
      case "delete_if_exists" -> ConditionBuilder.deleteIfExists();
      case "put_if" -> ConditionBuilder.putIf(expressions(wanted.getAsJsonArray("expressions")));
      case "update_if" ->
          ConditionBuilder.updateIf(expressions(wanted.getAsJsonArray("expressions")));
      case "delete_if" ->
          ConditionBuilder.deleteIf(expressions(wanted.getAsJsonArray("expressions")));
      default -> throw new IllegalArgumentException("no such condition: " + kind);
    };
  }

  private static List<ConditionalExpression> expressions(JsonArray wanted) {
    List<ConditionalExpression> expressions = new ArrayList<>();
    for (JsonElement each : wanted) {
      JsonArray parts = each.getAsJsonArray();
      Operator operator = Operator.valueOf(parts.get(1).getAsString());
      Column<?> column = Cells.column(parts.get(0).getAsString(), parts.get(2));
      expressions.add(
          switch (operator) {
            case LIKE -> like(column).isLikeText(column.getTextValue(), escape(parts));
            case NOT_LIKE -> like(column).isNotLikeText(column.getTextValue(), escape(parts));
            default -> ConditionBuilder.buildConditionalExpression(column, operator);
          });
    }
    return expressions;
  }

  private static ConditionBuilder.ConditionalExpressionBuilder like(Column<?> column) {
    return ConditionBuilder.column(column.getName());
  }

  private static String escape(JsonArray parts) {
    return parts.size() > 3 ? parts.get(3).getAsString() : "\\";
  }
}
