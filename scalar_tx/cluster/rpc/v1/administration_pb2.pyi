from scalar_tx.cluster.rpc.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Change(_message.Message):
    __slots__ = ("namespace", "table", "column", "new_name", "data_type", "schema", "if_exists", "if_not_exists", "without_transactions", "options", "override_types", "dry_run")
    class OptionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class OverrideTypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    IF_NOT_EXISTS_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_TYPES_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    table: str
    column: str
    new_name: str
    data_type: str
    schema: Schema
    if_exists: bool
    if_not_exists: bool
    without_transactions: bool
    options: _containers.ScalarMap[str, str]
    override_types: _containers.ScalarMap[str, str]
    dry_run: bool
    def __init__(self, namespace: _Optional[str] = ..., table: _Optional[str] = ..., column: _Optional[str] = ..., new_name: _Optional[str] = ..., data_type: _Optional[str] = ..., schema: _Optional[_Union[Schema, _Mapping]] = ..., if_exists: bool = ..., if_not_exists: bool = ..., without_transactions: bool = ..., options: _Optional[_Mapping[str, str]] = ..., override_types: _Optional[_Mapping[str, str]] = ..., dry_run: bool = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Existing(_message.Message):
    __slots__ = ("exists",)
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    exists: bool
    def __init__(self, exists: bool = ...) -> None: ...

class Description(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    schema: Schema
    def __init__(self, schema: _Optional[_Union[Schema, _Mapping]] = ...) -> None: ...

class Schema(_message.Message):
    __slots__ = ("columns", "partition_key", "clustering_key", "secondary_index")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    CLUSTERING_KEY_FIELD_NUMBER: _ClassVar[int]
    SECONDARY_INDEX_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[ColumnType]
    partition_key: _containers.RepeatedScalarFieldContainer[str]
    clustering_key: _containers.RepeatedScalarFieldContainer[str]
    secondary_index: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, columns: _Optional[_Iterable[_Union[ColumnType, _Mapping]]] = ..., partition_key: _Optional[_Iterable[str]] = ..., clustering_key: _Optional[_Iterable[str]] = ..., secondary_index: _Optional[_Iterable[str]] = ...) -> None: ...

class ColumnType(_message.Message):
    __slots__ = ("name", "data_type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    data_type: str
    def __init__(self, name: _Optional[str] = ..., data_type: _Optional[str] = ...) -> None: ...
