package scalar_tx.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.scalar.db.api.ConditionBuilder;
import com.scalar.db.api.ConditionalExpression;
import com.scalar.db.api.Delete;
import com.scalar.db.api.Get;
import com.scalar.db.api.MutationCondition;
import com.scalar.db.api.Put;
import com.scalar.db.api.Scan;
import com.scalar.db.io.Column;
import java.util.ArrayList;
import java.util.List;

/** Operations as JSON: table, key, range, values, condition. */
final class Operations {
  private Operations() {}

  static Get get(JsonObject request) {
    var of = Get.newBuilder().namespace(namespace(request)).table(table(request));
    if (request.has("index")) {
      return of.indexKey(Values.key(request, "index")).projections(projections(request)).build();
    }
    var builder = of.partitionKey(Values.key(request, "partition"));
    if (request.has("clustering")) {
      builder.clusteringKey(Values.key(request, "clustering"));
    }
    return builder.projections(projections(request)).build();
  }

  static Scan scan(JsonObject request) {
    int limit = request.has("limit") ? request.get("limit").getAsInt() : 0;
    var of = Scan.newBuilder().namespace(namespace(request)).table(table(request));
    if (request.has("index")) {
      return of.indexKey(Values.key(request, "index"))
          .projections(projections(request))
          .limit(limit)
          .build();
    }
    if (!request.has("partition")) {
      return of.all().projections(projections(request)).limit(limit).build();
    }
    var builder = of.partitionKey(Values.key(request, "partition"));
    if (request.has("start")) {
      builder.start(Values.key(request, "start"), !request.has("start_exclusive"));
    }
    if (request.has("end")) {
      builder.end(Values.key(request, "end"), !request.has("end_exclusive"));
    }
    if (request.has("descending")) {
      builder.ordering(Scan.Ordering.desc(request.get("descending").getAsString()));
    }
    return builder.projections(projections(request)).limit(limit).build();
  }

  static Put put(JsonObject request) {
    var builder =
        Put.newBuilder()
            .namespace(namespace(request))
            .table(table(request))
            .partitionKey(Values.key(request, "partition"));
    if (request.has("clustering")) {
      builder.clusteringKey(Values.key(request, "clustering"));
    }
    for (Column<?> column : Values.columns(request.getAsJsonObject("values"))) {
      builder.value(column);
    }
    if (request.has("condition")) {
      builder.condition(condition(request.getAsJsonObject("condition")));
    }
    return builder.implicitPreReadEnabled(request.has("pre_read")).build();
  }

  static Delete delete(JsonObject request) {
    var builder =
        Delete.newBuilder()
            .namespace(namespace(request))
            .table(table(request))
            .partitionKey(Values.key(request, "partition"));
    if (request.has("clustering")) {
      builder.clusteringKey(Values.key(request, "clustering"));
    }
    if (request.has("condition")) {
      builder.condition(condition(request.getAsJsonObject("condition")));
    }
    return builder.build();
  }

  private static MutationCondition condition(JsonObject given) {
    List<ConditionalExpression> expressions = new ArrayList<>();
    if (given.has("expressions")) {
      given
          .getAsJsonObject("expressions")
          .asMap()
          .forEach((operator, columns) -> expressions.addAll(compared(operator, columns)));
    }
    return switch (given.get("kind").getAsString()) {
      case "PutIf" -> ConditionBuilder.putIf(expressions);
      case "PutIfExists" -> ConditionBuilder.putIfExists();
      case "PutIfNotExists" -> ConditionBuilder.putIfNotExists();
      case "DeleteIf" -> ConditionBuilder.deleteIf(expressions);
      case "DeleteIfExists" -> ConditionBuilder.deleteIfExists();
      default -> throw new IllegalArgumentException(given.toString());
    };
  }

  private static List<ConditionalExpression> compared(String operator, JsonElement columns) {
    return Values.columns(columns.getAsJsonObject()).stream()
        .map(
            column ->
                ConditionBuilder.buildConditionalExpression(
                    column, ConditionalExpression.Operator.valueOf(operator)))
        .toList();
  }

  private static List<String> projections(JsonObject request) {
    return request.has("projections") ? Values.texts(request, "projections") : List.of();
  }

  private static String namespace(JsonObject request) {
    return request.get("table").getAsString().split("\\.")[0];
  }

  private static String table(JsonObject request) {
    return request.get("table").getAsString().split("\\.")[1];
  }
}
