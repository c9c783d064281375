from scalar_tx.cluster.rpc.v1 import operations_pb2 as _operations_pb2
from scalar_tx.cluster.rpc.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Function(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUNCTION_UNSPECIFIED: _ClassVar[Function]
    ADD: _ClassVar[Function]
    SUBTRACT: _ClassVar[Function]
    CONCAT: _ClassVar[Function]
    COALESCE: _ClassVar[Function]
    EQ: _ClassVar[Function]
    NE: _ClassVar[Function]
    LT: _ClassVar[Function]
    LE: _ClassVar[Function]
    GT: _ClassVar[Function]
    GE: _ClassVar[Function]
    AND: _ClassVar[Function]
    OR: _ClassVar[Function]
    NOT: _ClassVar[Function]
    IS_NULL: _ClassVar[Function]
FUNCTION_UNSPECIFIED: Function
ADD: Function
SUBTRACT: Function
CONCAT: Function
COALESCE: Function
EQ: Function
NE: Function
LT: Function
LE: Function
GT: Function
GE: Function
AND: Function
OR: Function
NOT: Function
IS_NULL: Function

class Script(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    def __init__(self, steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("operation", "require", "computed")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_FIELD_NUMBER: _ClassVar[int]
    operation: _operations_pb2.Operation
    require: Requirement
    computed: _containers.RepeatedCompositeFieldContainer[Computed]
    def __init__(self, operation: _Optional[_Union[_operations_pb2.Operation, _Mapping]] = ..., require: _Optional[_Union[Requirement, _Mapping]] = ..., computed: _Optional[_Iterable[_Union[Computed, _Mapping]]] = ...) -> None: ...

class Computed(_message.Message):
    __slots__ = ("place", "column", "value")
    class Place(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PLACE_UNSPECIFIED: _ClassVar[Computed.Place]
        KEY: _ClassVar[Computed.Place]
        VALUES: _ClassVar[Computed.Place]
        PARTITION: _ClassVar[Computed.Place]
        INDEX: _ClassVar[Computed.Place]
        START: _ClassVar[Computed.Place]
        END: _ClassVar[Computed.Place]
    PLACE_UNSPECIFIED: Computed.Place
    KEY: Computed.Place
    VALUES: Computed.Place
    PARTITION: Computed.Place
    INDEX: Computed.Place
    START: Computed.Place
    END: Computed.Place
    PLACE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    place: Computed.Place
    column: str
    value: Expression
    def __init__(self, place: _Optional[_Union[Computed.Place, str]] = ..., column: _Optional[str] = ..., value: _Optional[_Union[Expression, _Mapping]] = ...) -> None: ...

class Requirement(_message.Message):
    __slots__ = ("condition", "message")
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    condition: Expression
    message: str
    def __init__(self, condition: _Optional[_Union[Expression, _Mapping]] = ..., message: _Optional[str] = ...) -> None: ...

class Expression(_message.Message):
    __slots__ = ("literal", "column", "found", "call")
    LITERAL_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    literal: _values_pb2.Value
    column: Earlier
    found: int
    call: Call
    def __init__(self, literal: _Optional[_Union[_values_pb2.Value, _Mapping]] = ..., column: _Optional[_Union[Earlier, _Mapping]] = ..., found: _Optional[int] = ..., call: _Optional[_Union[Call, _Mapping]] = ...) -> None: ...

class Earlier(_message.Message):
    __slots__ = ("step", "name")
    STEP_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    step: int
    name: str
    def __init__(self, step: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("function", "arguments")
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    function: Function
    arguments: _containers.RepeatedCompositeFieldContainer[Expression]
    def __init__(self, function: _Optional[_Union[Function, str]] = ..., arguments: _Optional[_Iterable[_Union[Expression, _Mapping]]] = ...) -> None: ...
