package scalar_tx.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.scalar.db.api.Result;
import com.scalar.db.io.BigIntColumn;
import com.scalar.db.io.BlobColumn;
import com.scalar.db.io.BooleanColumn;
import com.scalar.db.io.Column;
import com.scalar.db.io.DoubleColumn;
import com.scalar.db.io.FloatColumn;
import com.scalar.db.io.IntColumn;
import com.scalar.db.io.Key;
import com.scalar.db.io.TextColumn;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Columns as JSON: {@code {"name": {"INT": 5}}}; a BLOB is its hex digits, a BIGINT its text. */
final class Values {
  private Values() {}

  static Key key(JsonObject request, String name) {
    Key.Builder builder = Key.newBuilder();
    columns(request.getAsJsonObject(name)).forEach(builder::add);
    return builder.build();
  }

  static List<Column<?>> columns(JsonObject given) {
    List<Column<?>> columns = new ArrayList<>();
    for (Map.Entry<String, JsonElement> each : given.entrySet()) {
      Map.Entry<String, JsonElement> typed =
          each.getValue().getAsJsonObject().entrySet().iterator().next();
      columns.add(column(each.getKey(), typed.getKey(), typed.getValue()));
    }
    return columns;
  }

  private static Column<?> column(String name, String type, JsonElement value) {
    boolean isNull = value.isJsonNull();
    return switch (type) {
      case "BOOLEAN" ->
          isNull ? BooleanColumn.ofNull(name) : BooleanColumn.of(name, value.getAsBoolean());
      case "INT" -> isNull ? IntColumn.ofNull(name) : IntColumn.of(name, value.getAsInt());
      case "BIGINT" ->
          isNull ? BigIntColumn.ofNull(name) : BigIntColumn.of(name, value.getAsLong());
      case "FLOAT" -> isNull ? FloatColumn.ofNull(name) : FloatColumn.of(name, value.getAsFloat());
      case "DOUBLE" ->
          isNull ? DoubleColumn.ofNull(name) : DoubleColumn.of(name, value.getAsDouble());
      case "TEXT" -> isNull ? TextColumn.ofNull(name) : TextColumn.of(name, value.getAsString());
      case "BLOB" ->
          isNull
              ? BlobColumn.ofNull(name)
              : BlobColumn.of(name, HexFormat.of().parseHex(value.getAsString()));
      default -> throw new IllegalArgumentException(type);
    };
  }

  static JsonElement result(Optional<Result> result) {
    return result.isPresent() ? result(result.get()) : JsonNull.INSTANCE;
  }

  static JsonElement results(List<Result> results) {
    JsonArray all = new JsonArray();
    results.forEach(each -> all.add(result(each)));
    return all;
  }

  private static JsonObject result(Result result) {
    JsonObject row = new JsonObject();
    result.getColumns().forEach((name, column) -> row.add(name, value(column)));
    return row;
  }

  private static JsonObject value(Column<?> column) {
    JsonObject typed = new JsonObject();
    String type = column.getDataType().name();
    if (column.hasNullValue()) {
      typed.add(type, JsonNull.INSTANCE);
      return typed;
    }
    switch (column.getDataType()) {
      case BOOLEAN -> typed.addProperty(type, column.getBooleanValue());
      case INT -> typed.addProperty(type, column.getIntValue());
      case BIGINT -> typed.addProperty(type, String.valueOf(column.getBigIntValue()));
      case FLOAT -> typed.addProperty(type, (double) column.getFloatValue());
      case DOUBLE -> typed.addProperty(type, column.getDoubleValue());
      case TEXT -> typed.addProperty(type, column.getTextValue());
      case BLOB -> typed.addProperty(type, HexFormat.of().formatHex(column.getBlobValueAsBytes()));
    }
    return typed;
  }

  static List<String> texts(JsonObject request, String name) {
    List<String> texts = new ArrayList<>();
    request.getAsJsonArray(name).forEach(each -> texts.add(each.getAsString()));
    return texts;
  }
}
