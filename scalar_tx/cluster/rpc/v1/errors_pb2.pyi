from scalar_tx.cluster.rpc.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorRecords(_message.Message):
    __slots__ = ("names", "found")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedCompositeFieldContainer[RecordName]
    found: _values_pb2.Records
    def __init__(self, names: _Optional[_Iterable[_Union[RecordName, _Mapping]]] = ..., found: _Optional[_Union[_values_pb2.Records, _Mapping]] = ...) -> None: ...

class RecordName(_message.Message):
    __slots__ = ("table", "key")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    table: str
    key: _values_pb2.Columns
    def __init__(self, table: _Optional[str] = ..., key: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ...) -> None: ...
