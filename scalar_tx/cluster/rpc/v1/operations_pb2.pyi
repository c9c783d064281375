from scalar_tx.cluster.rpc.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operation(_message.Message):
    __slots__ = ("get", "scan", "write")
    GET_FIELD_NUMBER: _ClassVar[int]
    SCAN_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    get: Get
    scan: Scan
    write: Write
    def __init__(self, get: _Optional[_Union[Get, _Mapping]] = ..., scan: _Optional[_Union[Scan, _Mapping]] = ..., write: _Optional[_Union[Write, _Mapping]] = ...) -> None: ...

class Get(_message.Message):
    __slots__ = ("table", "key", "index", "columns", "where", "weak")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    WEAK_FIELD_NUMBER: _ClassVar[int]
    table: str
    key: _values_pb2.Columns
    index: _values_pb2.Columns
    columns: _values_pb2.Names
    where: _values_pb2.Condition
    weak: bool
    def __init__(self, table: _Optional[str] = ..., key: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., index: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., columns: _Optional[_Union[_values_pb2.Names, _Mapping]] = ..., where: _Optional[_Union[_values_pb2.Condition, _Mapping]] = ..., weak: bool = ...) -> None: ...

class Scan(_message.Message):
    __slots__ = ("table", "partition", "index", "whole_table", "start", "end", "start_exclusive", "end_exclusive", "order_by", "limit", "after", "columns", "where", "weak")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    WHOLE_TABLE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    START_EXCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    END_EXCLUSIVE_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    WEAK_FIELD_NUMBER: _ClassVar[int]
    table: str
    partition: _values_pb2.Columns
    index: _values_pb2.Columns
    whole_table: bool
    start: _values_pb2.Columns
    end: _values_pb2.Columns
    start_exclusive: bool
    end_exclusive: bool
    order_by: _values_pb2.Names
    limit: int
    after: str
    columns: _values_pb2.Names
    where: _values_pb2.Condition
    weak: bool
    def __init__(self, table: _Optional[str] = ..., partition: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., index: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., whole_table: bool = ..., start: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., end: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., start_exclusive: bool = ..., end_exclusive: bool = ..., order_by: _Optional[_Union[_values_pb2.Names, _Mapping]] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ..., columns: _Optional[_Union[_values_pb2.Names, _Mapping]] = ..., where: _Optional[_Union[_values_pb2.Condition, _Mapping]] = ..., weak: bool = ...) -> None: ...

class Write(_message.Message):
    __slots__ = ("kind", "table", "key", "values", "where", "ignore_missing", "implicit_pre_read", "insert_mode")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Write.Kind]
        INSERT: _ClassVar[Write.Kind]
        UPSERT: _ClassVar[Write.Kind]
        UPDATE: _ClassVar[Write.Kind]
        DELETE: _ClassVar[Write.Kind]
        PUT: _ClassVar[Write.Kind]
    KIND_UNSPECIFIED: Write.Kind
    INSERT: Write.Kind
    UPSERT: Write.Kind
    UPDATE: Write.Kind
    DELETE: Write.Kind
    PUT: Write.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    IGNORE_MISSING_FIELD_NUMBER: _ClassVar[int]
    IMPLICIT_PRE_READ_FIELD_NUMBER: _ClassVar[int]
    INSERT_MODE_FIELD_NUMBER: _ClassVar[int]
    kind: Write.Kind
    table: str
    key: _values_pb2.Columns
    values: _values_pb2.Columns
    where: _values_pb2.Condition
    ignore_missing: bool
    implicit_pre_read: bool
    insert_mode: bool
    def __init__(self, kind: _Optional[_Union[Write.Kind, str]] = ..., table: _Optional[str] = ..., key: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., values: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ..., where: _Optional[_Union[_values_pb2.Condition, _Mapping]] = ..., ignore_missing: bool = ..., implicit_pre_read: bool = ..., insert_mode: bool = ...) -> None: ...

class Result(_message.Message):
    __slots__ = ("records",)
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    records: _values_pb2.Records
    def __init__(self, records: _Optional[_Union[_values_pb2.Records, _Mapping]] = ...) -> None: ...
