from google.rpc import status_pb2 as _status_pb2
from scalar_tx.cluster.rpc.v1 import operations_pb2 as _operations_pb2
from scalar_tx.cluster.rpc.v1 import scripts_pb2 as _scripts_pb2
from scalar_tx.cluster.rpc.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Isolation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ISOLATION_UNSPECIFIED: _ClassVar[Isolation]
    ISOLATION_SERIALIZABLE: _ClassVar[Isolation]
    ISOLATION_SNAPSHOT: _ClassVar[Isolation]
    ISOLATION_READ_COMMITTED: _ClassVar[Isolation]

class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATE_UNSPECIFIED: _ClassVar[State]
    STATE_COMMITTED: _ClassVar[State]
    STATE_ABORTED: _ClassVar[State]
    STATE_UNKNOWN: _ClassVar[State]
ISOLATION_UNSPECIFIED: Isolation
ISOLATION_SERIALIZABLE: Isolation
ISOLATION_SNAPSHOT: Isolation
ISOLATION_READ_COMMITTED: Isolation
STATE_UNSPECIFIED: State
STATE_COMMITTED: State
STATE_ABORTED: State
STATE_UNKNOWN: State

class Begin(_message.Message):
    __slots__ = ("transaction_id", "fresh_id", "isolation", "read_only", "timeout", "two_phase")
    class TwoPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ALONE: _ClassVar[Begin.TwoPhase]
        BEGIN: _ClassVar[Begin.TwoPhase]
        JOIN: _ClassVar[Begin.TwoPhase]
    ALONE: Begin.TwoPhase
    BEGIN: Begin.TwoPhase
    JOIN: Begin.TwoPhase
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    FRESH_ID_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    TWO_PHASE_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    fresh_id: bool
    isolation: Isolation
    read_only: bool
    timeout: float
    two_phase: Begin.TwoPhase
    def __init__(self, transaction_id: _Optional[str] = ..., fresh_id: bool = ..., isolation: _Optional[_Union[Isolation, str]] = ..., read_only: bool = ..., timeout: _Optional[float] = ..., two_phase: _Optional[_Union[Begin.TwoPhase, str]] = ...) -> None: ...

class Request(_message.Message):
    __slots__ = ("begin", "close_scanners", "before", "take_back", "mark", "batch", "one", "open_scanner", "next_page", "confirm_reads", "explain", "look", "remember", "prepare", "validate", "end", "parts", "rerun_is_safe")
    class End(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        GO_ON: _ClassVar[Request.End]
        COMMIT: _ClassVar[Request.End]
        ROLLBACK: _ClassVar[Request.End]
    GO_ON: Request.End
    COMMIT: Request.End
    ROLLBACK: Request.End
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    CLOSE_SCANNERS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    TAKE_BACK_FIELD_NUMBER: _ClassVar[int]
    MARK_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    ONE_FIELD_NUMBER: _ClassVar[int]
    OPEN_SCANNER_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_READS_FIELD_NUMBER: _ClassVar[int]
    EXPLAIN_FIELD_NUMBER: _ClassVar[int]
    LOOK_FIELD_NUMBER: _ClassVar[int]
    REMEMBER_FIELD_NUMBER: _ClassVar[int]
    PREPARE_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    RERUN_IS_SAFE_FIELD_NUMBER: _ClassVar[int]
    begin: Begin
    close_scanners: _containers.RepeatedScalarFieldContainer[int]
    before: _containers.RepeatedCompositeFieldContainer[_operations_pb2.Operation]
    take_back: int
    mark: int
    batch: Batch
    one: _operations_pb2.Operation
    open_scanner: OpenScanner
    next_page: int
    confirm_reads: Nothing
    explain: Nothing
    look: Look
    remember: Remember
    prepare: Nothing
    validate: Nothing
    end: Request.End
    parts: int
    rerun_is_safe: bool
    def __init__(self, begin: _Optional[_Union[Begin, _Mapping]] = ..., close_scanners: _Optional[_Iterable[int]] = ..., before: _Optional[_Iterable[_Union[_operations_pb2.Operation, _Mapping]]] = ..., take_back: _Optional[int] = ..., mark: _Optional[int] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., one: _Optional[_Union[_operations_pb2.Operation, _Mapping]] = ..., open_scanner: _Optional[_Union[OpenScanner, _Mapping]] = ..., next_page: _Optional[int] = ..., confirm_reads: _Optional[_Union[Nothing, _Mapping]] = ..., explain: _Optional[_Union[Nothing, _Mapping]] = ..., look: _Optional[_Union[Look, _Mapping]] = ..., remember: _Optional[_Union[Remember, _Mapping]] = ..., prepare: _Optional[_Union[Nothing, _Mapping]] = ..., validate: _Optional[_Union[Nothing, _Mapping]] = ..., end: _Optional[_Union[Request.End, str]] = ..., parts: _Optional[int] = ..., rerun_is_safe: bool = ...) -> None: ...

class Nothing(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Batch(_message.Message):
    __slots__ = ("operations",)
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[_operations_pb2.Operation]
    def __init__(self, operations: _Optional[_Iterable[_Union[_operations_pb2.Operation, _Mapping]]] = ...) -> None: ...

class OpenScanner(_message.Message):
    __slots__ = ("number", "scan", "whole")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SCAN_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    number: int
    scan: _operations_pb2.Scan
    whole: bool
    def __init__(self, number: _Optional[int] = ..., scan: _Optional[_Union[_operations_pb2.Scan, _Mapping]] = ..., whole: bool = ...) -> None: ...

class Look(_message.Message):
    __slots__ = ("scope", "key", "digest", "what")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    scope: str
    key: str
    digest: bytes
    what: str
    def __init__(self, scope: _Optional[str] = ..., key: _Optional[str] = ..., digest: _Optional[bytes] = ..., what: _Optional[str] = ...) -> None: ...

class Remember(_message.Message):
    __slots__ = ("call", "forgotten", "result")
    CALL_FIELD_NUMBER: _ClassVar[int]
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    call: Look
    forgotten: bool
    result: str
    def __init__(self, call: _Optional[_Union[Look, _Mapping]] = ..., forgotten: bool = ..., result: _Optional[str] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("error", "batched", "one", "page", "explanation", "known", "outcome")
    ERROR_FIELD_NUMBER: _ClassVar[int]
    BATCHED_FIELD_NUMBER: _ClassVar[int]
    ONE_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    error: _status_pb2.Status
    batched: Batched
    one: _operations_pb2.Result
    page: Page
    explanation: Explanation
    known: Known
    outcome: State
    def __init__(self, error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., batched: _Optional[_Union[Batched, _Mapping]] = ..., one: _Optional[_Union[_operations_pb2.Result, _Mapping]] = ..., page: _Optional[_Union[Page, _Mapping]] = ..., explanation: _Optional[_Union[Explanation, _Mapping]] = ..., known: _Optional[_Union[Known, _Mapping]] = ..., outcome: _Optional[_Union[State, str]] = ...) -> None: ...

class Batched(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_operations_pb2.Result]
    def __init__(self, results: _Optional[_Iterable[_Union[_operations_pb2.Result, _Mapping]]] = ...) -> None: ...

class Page(_message.Message):
    __slots__ = ("records", "last", "token", "no_token")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NO_TOKEN_FIELD_NUMBER: _ClassVar[int]
    records: _values_pb2.Records
    last: bool
    token: str
    no_token: _status_pb2.Status
    def __init__(self, records: _Optional[_Union[_values_pb2.Records, _Mapping]] = ..., last: bool = ..., token: _Optional[str] = ..., no_token: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class Known(_message.Message):
    __slots__ = ("done", "forgotten", "result")
    DONE_FIELD_NUMBER: _ClassVar[int]
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    done: bool
    forgotten: bool
    result: str
    def __init__(self, done: bool = ..., forgotten: bool = ..., result: _Optional[str] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("isolation", "path", "why", "records", "unread", "pre_reads", "prepares", "validations", "decisions", "finishes", "round_trips", "write_units", "still_possible")
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    PRE_READS_FIELD_NUMBER: _ClassVar[int]
    PREPARES_FIELD_NUMBER: _ClassVar[int]
    VALIDATIONS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    FINISHES_FIELD_NUMBER: _ClassVar[int]
    ROUND_TRIPS_FIELD_NUMBER: _ClassVar[int]
    WRITE_UNITS_FIELD_NUMBER: _ClassVar[int]
    STILL_POSSIBLE_FIELD_NUMBER: _ClassVar[int]
    isolation: Isolation
    path: str
    why: str
    records: int
    unread: int
    pre_reads: int
    prepares: int
    validations: int
    decisions: int
    finishes: int
    round_trips: int
    write_units: int
    still_possible: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, isolation: _Optional[_Union[Isolation, str]] = ..., path: _Optional[str] = ..., why: _Optional[str] = ..., records: _Optional[int] = ..., unread: _Optional[int] = ..., pre_reads: _Optional[int] = ..., prepares: _Optional[int] = ..., validations: _Optional[int] = ..., decisions: _Optional[int] = ..., finishes: _Optional[int] = ..., round_trips: _Optional[int] = ..., write_units: _Optional[int] = ..., still_possible: _Optional[_Iterable[str]] = ...) -> None: ...

class ExecuteRequest(_message.Message):
    __slots__ = ("begin", "script", "repeated")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    SCRIPT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    begin: Begin
    script: _scripts_pb2.Script
    repeated: bool
    def __init__(self, begin: _Optional[_Union[Begin, _Mapping]] = ..., script: _Optional[_Union[_scripts_pb2.Script, _Mapping]] = ..., repeated: bool = ...) -> None: ...

class ExecuteReply(_message.Message):
    __slots__ = ("outcome", "results", "done_before", "attempts")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    DONE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    outcome: State
    results: _containers.RepeatedCompositeFieldContainer[_operations_pb2.Result]
    done_before: bool
    attempts: int
    def __init__(self, outcome: _Optional[_Union[State, str]] = ..., results: _Optional[_Iterable[_Union[_operations_pb2.Result, _Mapping]]] = ..., done_before: bool = ..., attempts: _Optional[int] = ...) -> None: ...

class ScanPagesRequest(_message.Message):
    __slots__ = ("begin", "scan", "page_size")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    SCAN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    begin: Begin
    scan: _operations_pb2.Scan
    page_size: int
    def __init__(self, begin: _Optional[_Union[Begin, _Mapping]] = ..., scan: _Optional[_Union[_operations_pb2.Scan, _Mapping]] = ..., page_size: _Optional[int] = ...) -> None: ...

class TransactionName(_message.Message):
    __slots__ = ("transaction_id",)
    TRANSACTION_ID_FIELD_NUMBER: _ClassVar[int]
    transaction_id: str
    def __init__(self, transaction_id: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: State
    def __init__(self, state: _Optional[_Union[State, str]] = ...) -> None: ...

class RecoverRequest(_message.Message):
    __slots__ = ("table", "key")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    table: str
    key: _values_pb2.Columns
    def __init__(self, table: _Optional[str] = ..., key: _Optional[_Union[_values_pb2.Columns, _Mapping]] = ...) -> None: ...

class RecoverReply(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: State
    def __init__(self, state: _Optional[_Union[State, str]] = ...) -> None: ...

class FinishReply(_message.Message):
    __slots__ = ("finished",)
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    finished: bool
    def __init__(self, finished: bool = ...) -> None: ...

class ForgetOutcomesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ForgetOutcomesReply(_message.Message):
    __slots__ = ("removed", "more")
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    removed: int
    more: bool
    def __init__(self, removed: _Optional[int] = ..., more: bool = ...) -> None: ...

class HelloRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HelloReply(_message.Message):
    __slots__ = ("node", "worker", "workers", "authentication")
    NODE_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    AUTHENTICATION_FIELD_NUMBER: _ClassVar[int]
    node: str
    worker: int
    workers: int
    authentication: bool
    def __init__(self, node: _Optional[str] = ..., worker: _Optional[int] = ..., workers: _Optional[int] = ..., authentication: bool = ...) -> None: ...
