from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATOR_UNSPECIFIED: _ClassVar[Operator]
    OPERATOR_EQ: _ClassVar[Operator]
    OPERATOR_NE: _ClassVar[Operator]
    OPERATOR_GT: _ClassVar[Operator]
    OPERATOR_GE: _ClassVar[Operator]
    OPERATOR_LT: _ClassVar[Operator]
    OPERATOR_LE: _ClassVar[Operator]
    OPERATOR_IS_NULL: _ClassVar[Operator]
    OPERATOR_IS_NOT_NULL: _ClassVar[Operator]
    OPERATOR_LIKE: _ClassVar[Operator]
    OPERATOR_NOT_LIKE: _ClassVar[Operator]

class Existence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXISTENCE_UNSPECIFIED: _ClassVar[Existence]
    EXISTENCE_IF_EXISTS: _ClassVar[Existence]
    EXISTENCE_IF_NOT_EXISTS: _ClassVar[Existence]
OPERATOR_UNSPECIFIED: Operator
OPERATOR_EQ: Operator
OPERATOR_NE: Operator
OPERATOR_GT: Operator
OPERATOR_GE: Operator
OPERATOR_LT: Operator
OPERATOR_LE: Operator
OPERATOR_IS_NULL: Operator
OPERATOR_IS_NOT_NULL: Operator
OPERATOR_LIKE: Operator
OPERATOR_NOT_LIKE: Operator
EXISTENCE_UNSPECIFIED: Existence
EXISTENCE_IF_EXISTS: Existence
EXISTENCE_IF_NOT_EXISTS: Existence

class Value(_message.Message):
    __slots__ = ("boolean", "integer", "number", "text", "blob", "date", "time", "timestamp", "timestamptz")
    BOOLEAN_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMPTZ_FIELD_NUMBER: _ClassVar[int]
    boolean: bool
    integer: int
    number: float
    text: str
    blob: bytes
    date: int
    time: int
    timestamp: int
    timestamptz: int
    def __init__(self, boolean: bool = ..., integer: _Optional[int] = ..., number: _Optional[float] = ..., text: _Optional[str] = ..., blob: _Optional[bytes] = ..., date: _Optional[int] = ..., time: _Optional[int] = ..., timestamp: _Optional[int] = ..., timestamptz: _Optional[int] = ...) -> None: ...

class Columns(_message.Message):
    __slots__ = ("names", "values")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class Names(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

class Records(_message.Message):
    __slots__ = ("table", "names", "shown", "key", "rows")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    table: str
    names: _containers.RepeatedScalarFieldContainer[str]
    shown: int
    key: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[Row]
    def __init__(self, table: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., shown: _Optional[int] = ..., key: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[Row, _Mapping]]] = ...) -> None: ...

class Row(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Value]
    def __init__(self, values: _Optional[_Iterable[_Union[Value, _Mapping]]] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("comparison", "all", "any", "existence")
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    EXISTENCE_FIELD_NUMBER: _ClassVar[int]
    comparison: Comparison
    all: Terms
    any: Terms
    existence: Existence
    def __init__(self, comparison: _Optional[_Union[Comparison, _Mapping]] = ..., all: _Optional[_Union[Terms, _Mapping]] = ..., any: _Optional[_Union[Terms, _Mapping]] = ..., existence: _Optional[_Union[Existence, str]] = ...) -> None: ...

class Terms(_message.Message):
    __slots__ = ("terms",)
    TERMS_FIELD_NUMBER: _ClassVar[int]
    terms: _containers.RepeatedCompositeFieldContainer[Condition]
    def __init__(self, terms: _Optional[_Iterable[_Union[Condition, _Mapping]]] = ...) -> None: ...

class Comparison(_message.Message):
    __slots__ = ("column", "operator", "value", "escape")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ESCAPE_FIELD_NUMBER: _ClassVar[int]
    column: str
    operator: Operator
    value: Value
    escape: str
    def __init__(self, column: _Optional[str] = ..., operator: _Optional[_Union[Operator, str]] = ..., value: _Optional[_Union[Value, _Mapping]] = ..., escape: _Optional[str] = ...) -> None: ...
