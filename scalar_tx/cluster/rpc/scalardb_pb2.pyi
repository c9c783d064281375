from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Consistency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSISTENCY_SEQUENTIAL: _ClassVar[Consistency]
    CONSISTENCY_EVENTUAL: _ClassVar[Consistency]
    CONSISTENCY_LINEARIZABLE: _ClassVar[Consistency]

class Order(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_ASC: _ClassVar[Order]
    ORDER_DESC: _ClassVar[Order]

class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_TYPE_BOOLEAN: _ClassVar[DataType]
    DATA_TYPE_INT: _ClassVar[DataType]
    DATA_TYPE_BIGINT: _ClassVar[DataType]
    DATA_TYPE_FLOAT: _ClassVar[DataType]
    DATA_TYPE_DOUBLE: _ClassVar[DataType]
    DATA_TYPE_TEXT: _ClassVar[DataType]
    DATA_TYPE_BLOB: _ClassVar[DataType]

class TransactionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSACTION_STATE_COMMITTED: _ClassVar[TransactionState]
    TRANSACTION_STATE_ABORTED: _ClassVar[TransactionState]
    TRANSACTION_STATE_UNKNOWN: _ClassVar[TransactionState]
CONSISTENCY_SEQUENTIAL: Consistency
CONSISTENCY_EVENTUAL: Consistency
CONSISTENCY_LINEARIZABLE: Consistency
ORDER_ASC: Order
ORDER_DESC: Order
DATA_TYPE_BOOLEAN: DataType
DATA_TYPE_INT: DataType
DATA_TYPE_BIGINT: DataType
DATA_TYPE_FLOAT: DataType
DATA_TYPE_DOUBLE: DataType
DATA_TYPE_TEXT: DataType
DATA_TYPE_BLOB: DataType
TRANSACTION_STATE_COMMITTED: TransactionState
TRANSACTION_STATE_ABORTED: TransactionState
TRANSACTION_STATE_UNKNOWN: TransactionState

class Value(_message.Message):
    __slots__ = ("name", "boolean_value", "int_value", "bigint_value", "float_value", "double_value", "text_value", "blob_value")
    class TextValue(_message.Message):
        __slots__ = ("value",)
        VALUE_FIELD_NUMBER: _ClassVar[int]
        value: str
        def __init__(self, value: _Optional[str] = ...) -> None: ...
    class BlobValue(_message.Message):
        __slots__ = ("value",)
        VALUE_FIELD_NUMBER: _ClassVar[int]
        value: bytes
        def __init__(self, value: _Optional[bytes] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    BIGINT_VALUE_FIELD_NUMBER: _ClassVar[int]
    FLOAT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    TEXT_VALUE_FIELD_NUMBER: _ClassVar[int]
    BLOB_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    boolean_value: bool
    int_value: int
    bigint_value: int
    float_value: float
    double_value: float
    text_value: Value.TextValue
    blob_value: Value.BlobValue
    def __init__(self, name: _Optional[str] = ..., boolean_value: bool = ..., int_value: _Optional[int] = ..., bigint_value: _Optional[int] = ..., float_value: _Optional[float] = ..., double_value: _Optional[float] = ..., text_value: _Optional[_Union[Value.TextValue, _Mapping]] = ..., blob_value: _Optional[_Union[Value.BlobValue, _Mapping]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "boolean_value", "int_value", "bigint_value", "float_value", "double_value", "text_value", "blob_value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BOOLEAN_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    BIGINT_VALUE_FIELD_NUMBER: _ClassVar[int]
    FLOAT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    TEXT_VALUE_FIELD_NUMBER: _ClassVar[int]
    BLOB_VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    boolean_value: bool
    int_value: int
    bigint_value: int
    float_value: float
    double_value: float
    text_value: str
    blob_value: bytes
    def __init__(self, name: _Optional[str] = ..., boolean_value: bool = ..., int_value: _Optional[int] = ..., bigint_value: _Optional[int] = ..., float_value: _Optional[float] = ..., double_value: _Optional[float] = ..., text_value: _Optional[str] = ..., blob_value: _Optional[bytes] = ...) -> None: ...

class Key(_message.Message):
    __slots__ = ("value", "columns")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    value: _containers.RepeatedCompositeFieldContainer[Value]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, value: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ...) -> None: ...

class Get(_message.Message):
    __slots__ = ("namespace", "table", "partition_key", "clustering_key", "consistency", "projections")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    CLUSTERING_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    partition_key: Key
    clustering_key: Key
    consistency: Consistency
    projections: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., partition_key: _Optional[_Union[Key, _Mapping]] = ..., clustering_key: _Optional[_Union[Key, _Mapping]] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., projections: _Optional[_Iterable[str]] = ...) -> None: ...

class Ordering(_message.Message):
    __slots__ = ("name", "order")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    name: str
    order: Order
    def __init__(self, name: _Optional[str] = ..., order: _Optional[_Union[Order, str]] = ...) -> None: ...

class Scan(_message.Message):
    __slots__ = ("namespace", "table", "partition_key", "consistency", "projections", "start_clustering_key", "start_inclusive", "end_clustering_key", "end_inclusive", "orderings", "limit")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    START_CLUSTERING_KEY_FIELD_NUMBER: _ClassVar[int]
    START_INCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    END_CLUSTERING_KEY_FIELD_NUMBER: _ClassVar[int]
    END_INCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    ORDERINGS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    partition_key: Key
    consistency: Consistency
    projections: _containers.RepeatedScalarFieldContainer[str]
    start_clustering_key: Key
    start_inclusive: bool
    end_clustering_key: Key
    end_inclusive: bool
    orderings: _containers.RepeatedCompositeFieldContainer[Ordering]
    limit: int
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., partition_key: _Optional[_Union[Key, _Mapping]] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., projections: _Optional[_Iterable[str]] = ..., start_clustering_key: _Optional[_Union[Key, _Mapping]] = ..., start_inclusive: bool = ..., end_clustering_key: _Optional[_Union[Key, _Mapping]] = ..., end_inclusive: bool = ..., orderings: _Optional[_Iterable[_Union[Ordering, _Mapping]]] = ..., limit: _Optional[int] = ...) -> None: ...

class ConditionalExpression(_message.Message):
    __slots__ = ("name", "value", "operator", "column")
    class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EQ: _ClassVar[ConditionalExpression.Operator]
        NE: _ClassVar[ConditionalExpression.Operator]
        GT: _ClassVar[ConditionalExpression.Operator]
        GTE: _ClassVar[ConditionalExpression.Operator]
        LT: _ClassVar[ConditionalExpression.Operator]
        LTE: _ClassVar[ConditionalExpression.Operator]
        IS_NULL: _ClassVar[ConditionalExpression.Operator]
        IS_NOT_NULL: _ClassVar[ConditionalExpression.Operator]
    EQ: ConditionalExpression.Operator
    NE: ConditionalExpression.Operator
    GT: ConditionalExpression.Operator
    GTE: ConditionalExpression.Operator
    LT: ConditionalExpression.Operator
    LTE: ConditionalExpression.Operator
    IS_NULL: ConditionalExpression.Operator
    IS_NOT_NULL: ConditionalExpression.Operator
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: Value
    operator: ConditionalExpression.Operator
    column: Column
    def __init__(self, name: _Optional[str] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., operator: _Optional[_Union[ConditionalExpression.Operator, str]] = ..., column: _Optional[_Union[Column, _Mapping]] = ...) -> None: ...

class MutateCondition(_message.Message):
    __slots__ = ("type", "expressions")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PUT_IF: _ClassVar[MutateCondition.Type]
        PUT_IF_EXISTS: _ClassVar[MutateCondition.Type]
        PUT_IF_NOT_EXISTS: _ClassVar[MutateCondition.Type]
        DELETE_IF: _ClassVar[MutateCondition.Type]
        DELETE_IF_EXISTS: _ClassVar[MutateCondition.Type]
    PUT_IF: MutateCondition.Type
    PUT_IF_EXISTS: MutateCondition.Type
    PUT_IF_NOT_EXISTS: MutateCondition.Type
    DELETE_IF: MutateCondition.Type
    DELETE_IF_EXISTS: MutateCondition.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPRESSIONS_FIELD_NUMBER: _ClassVar[int]
    type: MutateCondition.Type
    expressions: _containers.RepeatedCompositeFieldContainer[ConditionalExpression]
    def __init__(self, type: _Optional[_Union[MutateCondition.Type, str]] = ..., expressions: _Optional[_Iterable[_Union[ConditionalExpression, _Mapping]]] = ...) -> None: ...

class Mutation(_message.Message):
    __slots__ = ("namespace", "table", "partition_key", "clustering_key", "consistency", "condition", "type", "value", "columns", "implicit_pre_read_enabled")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PUT: _ClassVar[Mutation.Type]
        DELETE: _ClassVar[Mutation.Type]
    PUT: Mutation.Type
    DELETE: Mutation.Type
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    CLUSTERING_KEY_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    IMPLICIT_PRE_READ_ENABLED_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    partition_key: Key
    clustering_key: Key
    consistency: Consistency
    condition: MutateCondition
    type: Mutation.Type
    value: _containers.RepeatedCompositeFieldContainer[Value]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    implicit_pre_read_enabled: bool
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., partition_key: _Optional[_Union[Key, _Mapping]] = ..., clustering_key: _Optional[_Union[Key, _Mapping]] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., condition: _Optional[_Union[MutateCondition, _Mapping]] = ..., type: _Optional[_Union[Mutation.Type, str]] = ..., value: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ..., implicit_pre_read_enabled: bool = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("value", "columns")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    value: _containers.RepeatedCompositeFieldContainer[Value]
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    def __init__(self, value: _Optional[_Iterable[_Union[Value, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ...) -> None: ...

class TableMetadata(_message.Message):
    __slots__ = ("columns", "partition_key_names", "clustering_key_names", "clustering_orders", "secondary_index_names")
    class ColumnsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: DataType
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[DataType, str]] = ...) -> None: ...
    class ClusteringOrdersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Order
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Order, str]] = ...) -> None: ...
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_NAMES_FIELD_NUMBER: _ClassVar[int]
    CLUSTERING_KEY_NAMES_FIELD_NUMBER: _ClassVar[int]
    CLUSTERING_ORDERS_FIELD_NUMBER: _ClassVar[int]
    SECONDARY_INDEX_NAMES_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.ScalarMap[str, DataType]
    partition_key_names: _containers.RepeatedScalarFieldContainer[str]
    clustering_key_names: _containers.RepeatedScalarFieldContainer[str]
    clustering_orders: _containers.ScalarMap[str, Order]
    secondary_index_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, columns: _Optional[_Mapping[str, DataType]] = ..., partition_key_names: _Optional[_Iterable[str]] = ..., clustering_key_names: _Optional[_Iterable[str]] = ..., clustering_orders: _Optional[_Mapping[str, Order]] = ..., secondary_index_names: _Optional[_Iterable[str]] = ...) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("get",)
    GET_FIELD_NUMBER: _ClassVar[int]
    get: Get
    def __init__(self, get: _Optional[_Union[Get, _Mapping]] = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: Result
    def __init__(self, result: _Optional[_Union[Result, _Mapping]] = ...) -> None: ...

class ScanRequest(_message.Message):
    __slots__ = ("scan", "fetch_count")
    SCAN_FIELD_NUMBER: _ClassVar[int]
    FETCH_COUNT_FIELD_NUMBER: _ClassVar[int]
    scan: Scan
    fetch_count: int
    def __init__(self, scan: _Optional[_Union[Scan, _Mapping]] = ..., fetch_count: _Optional[int] = ...) -> None: ...

class ScanResponse(_message.Message):
    __slots__ = ("results", "has_more_results")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[Result]
    has_more_results: bool
    def __init__(self, results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ..., has_more_results: bool = ...) -> None: ...

class MutateRequest(_message.Message):
    __slots__ = ("mutations",)
    MUTATIONS_FIELD_NUMBER: _ClassVar[int]
    mutations: _containers.RepeatedCompositeFieldContainer[Mutation]
    def __init__(self, mutations: _Optional[_Iterable[_Union[Mutation, _Mapping]]] = ...) -> None: ...

class CreateNamespaceRequest(_message.Message):
    __slots__ = ("namespace", "options", "if_not_exists")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    IF_NOT_EXISTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    options: _containers.ScalarMap[str, str]
    if_not_exists: bool
    def __init__(self, namespace: _Optional[str] = ..., options: _Optional[_Mapping[str, str]] = ..., if_not_exists: bool = ...) -> None: ...

class DropNamespaceRequest(_message.Message):
    __slots__ = ("namespace", "if_exists")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    if_exists: bool
    def __init__(self, namespace: _Optional[str] = ..., if_exists: bool = ...) -> None: ...

class NamespaceExistsRequest(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    def __init__(self, namespace: _Optional[str] = ...) -> None: ...

class NamespaceExistsResponse(_message.Message):
    __slots__ = ("exists",)
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    exists: bool
    def __init__(self, exists: bool = ...) -> None: ...

class GetNamespaceTableNamesRequest(_message.Message):
    __slots__ = ("namespace",)
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    def __init__(self, namespace: _Optional[str] = ...) -> None: ...

class GetNamespaceTableNamesResponse(_message.Message):
    __slots__ = ("table_names",)
    TABLE_NAMES_FIELD_NUMBER: _ClassVar[int]
    table_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, table_names: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateTableRequest(_message.Message):
    __slots__ = ("namespace", "table", "table_metadata", "options", "if_not_exists")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TABLE_METADATA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    IF_NOT_EXISTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    table_metadata: TableMetadata
    options: _containers.ScalarMap[str, str]
    if_not_exists: bool
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., table_metadata: _Optional[_Union[TableMetadata, _Mapping]] = ..., options: _Optional[_Mapping[str, str]] = ..., if_not_exists: bool = ...) -> None: ...

class DropTableRequest(_message.Message):
    __slots__ = ("namespace", "table", "if_exists")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    if_exists: bool
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., if_exists: bool = ...) -> None: ...

class TruncateTableRequest(_message.Message):
    __slots__ = ("namespace", "table")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ...) -> None: ...

class RepairTableRequest(_message.Message):
    __slots__ = ("namespace", "table", "table_metadata", "options")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TABLE_METADATA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    table_metadata: TableMetadata
    options: _containers.ScalarMap[str, str]
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., table_metadata: _Optional[_Union[TableMetadata, _Mapping]] = ..., options: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GetTableMetadataRequest(_message.Message):
    __slots__ = ("namespace", "table")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ...) -> None: ...

class GetTableMetadataResponse(_message.Message):
    __slots__ = ("table_metadata",)
    TABLE_METADATA_FIELD_NUMBER: _ClassVar[int]
    table_metadata: TableMetadata
    def __init__(self, table_metadata: _Optional[_Union[TableMetadata, _Mapping]] = ...) -> None: ...

class AddNewColumnToTableRequest(_message.Message):
    __slots__ = ("namespace", "table", "column_name", "column_type")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMN_TYPE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    column_name: str
    column_type: DataType
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., column_name: _Optional[str] = ..., column_type: _Optional[_Union[DataType, str]] = ...) -> None: ...

class CreateIndexRequest(_message.Message):
    __slots__ = ("namespace", "table", "column_name", "options", "if_not_exists")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_NAME_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    IF_NOT_EXISTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    column_name: str
    options: _containers.ScalarMap[str, str]
    if_not_exists: bool
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., column_name: _Optional[str] = ..., options: _Optional[_Mapping[str, str]] = ..., if_not_exists: bool = ...) -> None: ...

class DropIndexRequest(_message.Message):
    __slots__ = ("namespace", "table", "column_name", "if_exists")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_NAME_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    column_name: str
    if_exists: bool
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., column_name: _Optional[str] = ..., if_exists: bool = ...) -> None: ...

class CreateCoordinatorTablesRequest(_message.Message):
    __slots__ = ("options", "if_not_exist")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    IF_NOT_EXIST_FIELD_NUMBER: _ClassVar[int]
    options: _containers.ScalarMap[str, str]
    if_not_exist: bool
    def __init__(self, options: _Optional[_Mapping[str, str]] = ..., if_not_exist: bool = ...) -> None: ...

class DropCoordinatorTablesRequest(_message.Message):
    __slots__ = ("if_exist",)
    IF_EXIST_FIELD_NUMBER: _ClassVar[int]
    if_exist: bool
    def __init__(self, if_exist: bool = ...) -> None: ...

class TruncateCoordinatorTablesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CoordinatorTablesExistRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CoordinatorTablesExistResponse(_message.Message):
    __slots__ = ("exist",)
    EXIST_FIELD_NUMBER: _ClassVar[int]
    exist: bool
    def __init__(self, exist: bool = ...) -> None: ...

class RepairCoordinatorTablesRequest(_message.Message):
    __slots__ = ("options",)
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    options: _containers.ScalarMap[str, str]
    def __init__(self, options: _Optional[_Mapping[str, str]] = ...) -> None: ...

class GetTransactionStateRequest(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class GetTransactionStateResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: TransactionState
    def __init__(self, state: _Optional[_Union[TransactionState, str]] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class RollbackResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: TransactionState
    def __init__(self, state: _Optional[_Union[TransactionState, str]] = ...) -> None: ...

class AbortRequest(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class AbortResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: TransactionState
    def __init__(self, state: _Optional[_Union[TransactionState, str]] = ...) -> None: ...

class TransactionRequest(_message.Message):
    __slots__ = ("start_request", "get_request", "scan_request", "mutate_request", "commit_request", "abort_request", "begin_request", "rollback_request")
    class StartRequest(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    class GetRequest(_message.Message):
        __slots__ = ("get",)
        GET_FIELD_NUMBER: _ClassVar[int]
        get: Get
        def __init__(self, get: _Optional[_Union[Get, _Mapping]] = ...) -> None: ...
    class ScanRequest(_message.Message):
        __slots__ = ("scan",)
        SCAN_FIELD_NUMBER: _ClassVar[int]
        scan: Scan
        def __init__(self, scan: _Optional[_Union[Scan, _Mapping]] = ...) -> None: ...
    class MutateRequest(_message.Message):
        __slots__ = ("mutations",)
        MUTATIONS_FIELD_NUMBER: _ClassVar[int]
        mutations: _containers.RepeatedCompositeFieldContainer[Mutation]
        def __init__(self, mutations: _Optional[_Iterable[_Union[Mutation, _Mapping]]] = ...) -> None: ...
    class CommitRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class AbortRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class BeginRequest(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    class RollbackRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    START_REQUEST_FIELD_NUMBER: _ClassVar[int]
    GET_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SCAN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    MUTATE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    COMMIT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    ABORT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    BEGIN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_REQUEST_FIELD_NUMBER: _ClassVar[int]
    start_request: TransactionRequest.StartRequest
    get_request: TransactionRequest.GetRequest
    scan_request: TransactionRequest.ScanRequest
    mutate_request: TransactionRequest.MutateRequest
    commit_request: TransactionRequest.CommitRequest
    abort_request: TransactionRequest.AbortRequest
    begin_request: TransactionRequest.BeginRequest
    rollback_request: TransactionRequest.RollbackRequest
    def __init__(self, start_request: _Optional[_Union[TransactionRequest.StartRequest, _Mapping]] = ..., get_request: _Optional[_Union[TransactionRequest.GetRequest, _Mapping]] = ..., scan_request: _Optional[_Union[TransactionRequest.ScanRequest, _Mapping]] = ..., mutate_request: _Optional[_Union[TransactionRequest.MutateRequest, _Mapping]] = ..., commit_request: _Optional[_Union[TransactionRequest.CommitRequest, _Mapping]] = ..., abort_request: _Optional[_Union[TransactionRequest.AbortRequest, _Mapping]] = ..., begin_request: _Optional[_Union[TransactionRequest.BeginRequest, _Mapping]] = ..., rollback_request: _Optional[_Union[TransactionRequest.RollbackRequest, _Mapping]] = ...) -> None: ...

class TransactionResponse(_message.Message):
    __slots__ = ("start_response", "get_response", "scan_response", "error", "begin_response")
    class StartResponse(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    class GetResponse(_message.Message):
        __slots__ = ("result",)
        RESULT_FIELD_NUMBER: _ClassVar[int]
        result: Result
        def __init__(self, result: _Optional[_Union[Result, _Mapping]] = ...) -> None: ...
    class ScanResponse(_message.Message):
        __slots__ = ("results",)
        RESULTS_FIELD_NUMBER: _ClassVar[int]
        results: _containers.RepeatedCompositeFieldContainer[Result]
        def __init__(self, results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ...) -> None: ...
    class Error(_message.Message):
        __slots__ = ("error_code", "message")
        class ErrorCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            INVALID_ARGUMENT: _ClassVar[TransactionResponse.Error.ErrorCode]
            TRANSACTION_CONFLICT: _ClassVar[TransactionResponse.Error.ErrorCode]
            UNKNOWN_TRANSACTION_STATUS: _ClassVar[TransactionResponse.Error.ErrorCode]
            OTHER: _ClassVar[TransactionResponse.Error.ErrorCode]
            UNSATISFIED_CONDITION: _ClassVar[TransactionResponse.Error.ErrorCode]
        INVALID_ARGUMENT: TransactionResponse.Error.ErrorCode
        TRANSACTION_CONFLICT: TransactionResponse.Error.ErrorCode
        UNKNOWN_TRANSACTION_STATUS: TransactionResponse.Error.ErrorCode
        OTHER: TransactionResponse.Error.ErrorCode
        UNSATISFIED_CONDITION: TransactionResponse.Error.ErrorCode
        ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
        MESSAGE_FIELD_NUMBER: _ClassVar[int]
        error_code: TransactionResponse.Error.ErrorCode
        message: str
        def __init__(self, error_code: _Optional[_Union[TransactionResponse.Error.ErrorCode, str]] = ..., message: _Optional[str] = ...) -> None: ...
    class BeginResponse(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    START_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    GET_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    SCAN_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BEGIN_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    start_response: TransactionResponse.StartResponse
    get_response: TransactionResponse.GetResponse
    scan_response: TransactionResponse.ScanResponse
    error: TransactionResponse.Error
    begin_response: TransactionResponse.BeginResponse
    def __init__(self, start_response: _Optional[_Union[TransactionResponse.StartResponse, _Mapping]] = ..., get_response: _Optional[_Union[TransactionResponse.GetResponse, _Mapping]] = ..., scan_response: _Optional[_Union[TransactionResponse.ScanResponse, _Mapping]] = ..., error: _Optional[_Union[TransactionResponse.Error, _Mapping]] = ..., begin_response: _Optional[_Union[TransactionResponse.BeginResponse, _Mapping]] = ...) -> None: ...

class TwoPhaseCommitTransactionRequest(_message.Message):
    __slots__ = ("start_request", "join_request", "get_request", "scan_request", "mutate_request", "prepare_request", "validate_request", "commit_request", "rollback_request", "begin_request", "abort_request")
    class StartRequest(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    class JoinRequest(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    class GetRequest(_message.Message):
        __slots__ = ("get",)
        GET_FIELD_NUMBER: _ClassVar[int]
        get: Get
        def __init__(self, get: _Optional[_Union[Get, _Mapping]] = ...) -> None: ...
    class ScanRequest(_message.Message):
        __slots__ = ("scan",)
        SCAN_FIELD_NUMBER: _ClassVar[int]
        scan: Scan
        def __init__(self, scan: _Optional[_Union[Scan, _Mapping]] = ...) -> None: ...
    class MutateRequest(_message.Message):
        __slots__ = ("mutations",)
        MUTATIONS_FIELD_NUMBER: _ClassVar[int]
        mutations: _containers.RepeatedCompositeFieldContainer[Mutation]
        def __init__(self, mutations: _Optional[_Iterable[_Union[Mutation, _Mapping]]] = ...) -> None: ...
    class PrepareRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class ValidateRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class CommitRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class RollbackRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class BeginRequest(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    class AbortRequest(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    START_REQUEST_FIELD_NUMBER: _ClassVar[int]
    JOIN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    GET_REQUEST_FIELD_NUMBER: _ClassVar[int]
    SCAN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    MUTATE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    PREPARE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_REQUEST_FIELD_NUMBER: _ClassVar[int]
    COMMIT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_REQUEST_FIELD_NUMBER: _ClassVar[int]
    BEGIN_REQUEST_FIELD_NUMBER: _ClassVar[int]
    ABORT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    start_request: TwoPhaseCommitTransactionRequest.StartRequest
    join_request: TwoPhaseCommitTransactionRequest.JoinRequest
    get_request: TwoPhaseCommitTransactionRequest.GetRequest
    scan_request: TwoPhaseCommitTransactionRequest.ScanRequest
    mutate_request: TwoPhaseCommitTransactionRequest.MutateRequest
    prepare_request: TwoPhaseCommitTransactionRequest.PrepareRequest
    validate_request: TwoPhaseCommitTransactionRequest.ValidateRequest
    commit_request: TwoPhaseCommitTransactionRequest.CommitRequest
    rollback_request: TwoPhaseCommitTransactionRequest.RollbackRequest
    begin_request: TwoPhaseCommitTransactionRequest.BeginRequest
    abort_request: TwoPhaseCommitTransactionRequest.AbortRequest
    def __init__(self, start_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.StartRequest, _Mapping]] = ..., join_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.JoinRequest, _Mapping]] = ..., get_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.GetRequest, _Mapping]] = ..., scan_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.ScanRequest, _Mapping]] = ..., mutate_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.MutateRequest, _Mapping]] = ..., prepare_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.PrepareRequest, _Mapping]] = ..., validate_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.ValidateRequest, _Mapping]] = ..., commit_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.CommitRequest, _Mapping]] = ..., rollback_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.RollbackRequest, _Mapping]] = ..., begin_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.BeginRequest, _Mapping]] = ..., abort_request: _Optional[_Union[TwoPhaseCommitTransactionRequest.AbortRequest, _Mapping]] = ...) -> None: ...

class TwoPhaseCommitTransactionResponse(_message.Message):
    __slots__ = ("start_response", "get_response", "scan_response", "error", "begin_response")
    class StartResponse(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    class GetResponse(_message.Message):
        __slots__ = ("result",)
        RESULT_FIELD_NUMBER: _ClassVar[int]
        result: Result
        def __init__(self, result: _Optional[_Union[Result, _Mapping]] = ...) -> None: ...
    class ScanResponse(_message.Message):
        __slots__ = ("results",)
        RESULTS_FIELD_NUMBER: _ClassVar[int]
        results: _containers.RepeatedCompositeFieldContainer[Result]
        def __init__(self, results: _Optional[_Iterable[_Union[Result, _Mapping]]] = ...) -> None: ...
    class Error(_message.Message):
        __slots__ = ("error_code", "message")
        class ErrorCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
            __slots__ = ()
            INVALID_ARGUMENT: _ClassVar[TwoPhaseCommitTransactionResponse.Error.ErrorCode]
            TRANSACTION_CONFLICT: _ClassVar[TwoPhaseCommitTransactionResponse.Error.ErrorCode]
            UNKNOWN_TRANSACTION_STATUS: _ClassVar[TwoPhaseCommitTransactionResponse.Error.ErrorCode]
            OTHER: _ClassVar[TwoPhaseCommitTransactionResponse.Error.ErrorCode]
            UNSATISFIED_CONDITION: _ClassVar[TwoPhaseCommitTransactionResponse.Error.ErrorCode]
        INVALID_ARGUMENT: TwoPhaseCommitTransactionResponse.Error.ErrorCode
        TRANSACTION_CONFLICT: TwoPhaseCommitTransactionResponse.Error.ErrorCode
        UNKNOWN_TRANSACTION_STATUS: TwoPhaseCommitTransactionResponse.Error.ErrorCode
        OTHER: TwoPhaseCommitTransactionResponse.Error.ErrorCode
        UNSATISFIED_CONDITION: TwoPhaseCommitTransactionResponse.Error.ErrorCode
        ERROR_CODE_FIELD_NUMBER: _ClassVar[int]
        MESSAGE_FIELD_NUMBER: _ClassVar[int]
        error_code: TwoPhaseCommitTransactionResponse.Error.ErrorCode
        message: str
        def __init__(self, error_code: _Optional[_Union[TwoPhaseCommitTransactionResponse.Error.ErrorCode, str]] = ..., message: _Optional[str] = ...) -> None: ...
    class BeginResponse(_message.Message):
        __slots__ = ("transaction_id",)
        TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
        transaction_id: str
        def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...
    START_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    GET_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    SCAN_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BEGIN_RESPONSE_FIELD_NUMBER: _ClassVar[int]
    start_response: TwoPhaseCommitTransactionResponse.StartResponse
    get_response: TwoPhaseCommitTransactionResponse.GetResponse
    scan_response: TwoPhaseCommitTransactionResponse.ScanResponse
    error: TwoPhaseCommitTransactionResponse.Error
    begin_response: TwoPhaseCommitTransactionResponse.BeginResponse
    def __init__(self, start_response: _Optional[_Union[TwoPhaseCommitTransactionResponse.StartResponse, _Mapping]] = ..., get_response: _Optional[_Union[TwoPhaseCommitTransactionResponse.GetResponse, _Mapping]] = ..., scan_response: _Optional[_Union[TwoPhaseCommitTransactionResponse.ScanResponse, _Mapping]] = ..., error: _Optional[_Union[TwoPhaseCommitTransactionResponse.Error, _Mapping]] = ..., begin_response: _Optional[_Union[TwoPhaseCommitTransactionResponse.BeginResponse, _Mapping]] = ...) -> None: ...
