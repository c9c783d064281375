package scalar_tx.peer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.scalar.db.api.Result;
import com.scalar.db.io.BigIntColumn;
import com.scalar.db.io.BlobColumn;
import com.scalar.db.io.BooleanColumn;
import com.scalar.db.io.Column;
import com.scalar.db.io.DataType;
import com.scalar.db.io.DateColumn;
import com.scalar.db.io.DoubleColumn;
import com.scalar.db.io.FloatColumn;
import com.scalar.db.io.IntColumn;
import com.scalar.db.io.Key;
import com.scalar.db.io.TextColumn;
import com.scalar.db.io.TimeColumn;
import com.scalar.db.io.TimestampColumn;
import com.scalar.db.io.TimestampTZColumn;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;

/**
 * How one value travels: {@code ["INT", 5]}. A BLOB is base64, the time types are ISO-8601, a float
 * that JSON can't hold is "NaN", "Infinity" or "-Infinity".
 */
final class Cells {
  private Cells() {}

  static Column<?> column(String name, JsonElement cell) {
    JsonArray pair = cell.getAsJsonArray();
    DataType type = DataType.valueOf(pair.get(0).getAsString());
    JsonElement value = pair.get(1);
    return value.isJsonNull() ? empty(name, type) : filled(name, type, value);
  }

  private static Column<?> filled(String name, DataType type, JsonElement value) {
    return switch (type) {
      case BOOLEAN -> BooleanColumn.of(name, value.getAsBoolean());
      case INT -> IntColumn.of(name, Integer.parseInt(value.getAsString()));
      case BIGINT -> BigIntColumn.of(name, Long.parseLong(value.getAsString()));
      case FLOAT -> FloatColumn.of(name, Float.parseFloat(value.getAsString()));
      case DOUBLE -> DoubleColumn.of(name, Double.parseDouble(value.getAsString()));
      case TEXT -> TextColumn.of(name, value.getAsString());
      case BLOB -> BlobColumn.of(name, Base64.getDecoder().decode(value.getAsString()));
      case DATE -> DateColumn.of(name, LocalDate.parse(value.getAsString()));
      case TIME -> TimeColumn.of(name, LocalTime.parse(value.getAsString()));
      case TIMESTAMP -> TimestampColumn.of(name, LocalDateTime.parse(value.getAsString()));
      case TIMESTAMPTZ -> TimestampTZColumn.of(name, Instant.parse(value.getAsString()));
    };
  }

  private static Column<?> empty(String name, DataType type) {
    return switch (type) {
      case BOOLEAN -> BooleanColumn.ofNull(name);
      case INT -> IntColumn.ofNull(name);
      case BIGINT -> BigIntColumn.ofNull(name);
      case FLOAT -> FloatColumn.ofNull(name);
      case DOUBLE -> DoubleColumn.ofNull(name);
      case TEXT -> TextColumn.ofNull(name);
      case BLOB -> BlobColumn.ofNull(name);
      case DATE -> DateColumn.ofNull(name);
      case TIME -> TimeColumn.ofNull(name);
      case TIMESTAMP -> TimestampColumn.ofNull(name);
      case TIMESTAMPTZ -> TimestampTZColumn.ofNull(name);
    };
  }

  static List<Column<?>> columns(JsonObject cells) {
    List<Column<?>> columns = new ArrayList<>();
    cells.entrySet().forEach(entry -> columns.add(column(entry.getKey(), entry.getValue())));
    return columns;
  }

  static Key key(JsonObject cells) {
    Key.Builder key = Key.newBuilder();
    columns(cells).forEach(key::add);
    return key.build();
  }

  static JsonArray cell(Column<?> column) {
    JsonArray cell = new JsonArray();
    cell.add(column.getDataType().name());
    cell.add(column.hasNullValue() ? JsonNull.INSTANCE : value(column));
    return cell;
  }

  private static JsonElement value(Column<?> column) {
    return switch (column.getDataType()) {
      case BOOLEAN -> new JsonPrimitive(column.getBooleanValue());
      case INT -> new JsonPrimitive(column.getIntValue());
      case BIGINT -> new JsonPrimitive(column.getBigIntValue());
      case FLOAT -> Float.isFinite(column.getFloatValue())
          ? new JsonPrimitive(column.getFloatValue())
          : new JsonPrimitive(Float.toString(column.getFloatValue()));
      case DOUBLE -> Double.isFinite(column.getDoubleValue())
          ? new JsonPrimitive(column.getDoubleValue())
          : new JsonPrimitive(Double.toString(column.getDoubleValue()));
      case TEXT -> new JsonPrimitive(column.getTextValue());
      case BLOB -> new JsonPrimitive(
          Base64.getEncoder().encodeToString(column.getBlobValueAsBytes()));
      case DATE -> new JsonPrimitive(column.getDateValue().toString());
      case TIME -> new JsonPrimitive(column.getTimeValue().toString());
      case TIMESTAMP -> new JsonPrimitive(column.getTimestampValue().toString());
      case TIMESTAMPTZ -> new JsonPrimitive(column.getTimestampTZValue().toString());
    };
  }

  static JsonObject cells(Collection<? extends Column<?>> columns) {
    JsonObject cells = new JsonObject();
    columns.forEach(column -> cells.add(column.getName(), cell(column)));
    return cells;
  }

  static JsonObject row(Result result) {
    return cells(result.getColumns().values());
  }

  static JsonArray rows(Iterable<Result> results) {
    JsonArray rows = new JsonArray();
    results.forEach(result -> rows.add(row(result)));
    return rows;
  }
}
