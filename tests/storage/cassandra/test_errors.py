"""Every class of errors that the driver knows, by table."""

from __future__ import annotations

import importlib
import pkgutil
import ssl

import cassandra
import pytest
from cassandra import (
    AuthenticationFailed,
    ConsistencyLevel,
    DriverException,
    InvalidRequest,
    OperationTimedOut,
    Unavailable,
    WriteTimeout,
    WriteType,
    protocol,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException, ConnectionShutdown, ProtocolError
from cassandra.pool import NoConnectionsAvailable

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.storage.cassandra.errors import (
    CASES,
    UNKNOWN,
    Call,
    Meaning,
    case_of,
    meaning_of,
    storage_error,
)

W, B, U, L = Meaning.WRONG, Meaning.BUSY, Meaning.UNAVAILABLE, Meaning.LOST

# class -> what it means for a read, for a plain write, for a conditional one
EXPECTED = {
    "Unavailable": (U, U, L),
    "WriteTimeout": (U, L, L),
    "ReadTimeout": (U, L, L),
    "Timeout": (U, L, L),
    "WriteFailure": (U, L, L),
    "ReadFailure": (U, L, L),
    "CoordinationFailure": (U, L, L),
    "CDCWriteFailure": (U, L, L),
    "CDCWriteException": (U, L, L),
    "FunctionFailure": (U, L, L),
    "OverloadedErrorMessage": (B, L, L),
    "IsBootstrappingErrorMessage": (U, U, U),
    "TruncateError": (U, L, L),
    "ServerError": (U, L, L),
    "ClientWriteError": (U, L, L),
    "ProtocolException": (U, L, L),
    "ErrorMessage": (U, L, L),
    "ErrorMessageSub": (U, L, L),
    "PreparedQueryNotFound": (U, U, U),
    "SyntaxException": (W, W, W),
    "InvalidRequest": (W, W, W),
    "InvalidRequestException": (W, W, W),
    "ConfigurationException": (W, W, W),
    "AlreadyExists": (W, W, W),
    "AlreadyExistsException": (W, W, W),
    "UnsupportedOperation": (W, W, W),
    "Unauthorized": (U, U, U),
    "UnauthorizedErrorMessage": (U, U, U),
    "AuthenticationFailed": (U, U, U),
    "BadCredentials": (U, U, U),
    "UnresolvableContactPoints": (U, U, U),
    "OperationTimedOut": (U, L, L),
    "ConnectionException": (U, L, L),
    "ConnectionShutdown": (U, L, L),
    "CrcException": (U, L, L),
    "ProtocolError": (U, L, L),
    "ConnectionBusy": (U, U, U),
    "NoConnectionsAvailable": (U, U, U),
    "NoHostAvailable": (U, U, U),
    "SessionClosed": (U, U, U),
    "NoSuchDataCenter": (U, U, U),
    "DriverException": (U, L, L),
    "SSLError": (U, L, L),
    "OSError": (U, L, L),
}


def test_every_case_is_as_expected() -> None:
    found = {name: (case.read, case.write, case.conditional) for name, case in CASES.items()}
    assert found == EXPECTED


def test_what_is_not_known_may_have_taken_effect() -> None:
    assert (UNKNOWN.read, UNKNOWN.write, UNKNOWN.conditional) == (U, L, L)
    assert case_of(RuntimeError("new")) is UNKNOWN
    assert case_of(AssertionError("in the driver")) is UNKNOWN


# Parts of the driver that are not used, or can't be imported without what they serve.
UNUSED_MODULES = (
    "cassandra.cqlengine", "cassandra.datastax", "cassandra.io.asyncorereactor",
    "cassandra.io.eventletreactor", "cassandra.io.geventreactor", "cassandra.io.twistedreactor",
    "cassandra.metrics", "cassandra.numpy_parser",
)  # fmt: skip
UNUSED_ERRORS = {
    "DependencyException", "InternalError", "NoMurmur3", "NotSupportedError", "QueryExhausted",
    "TraceUnavailable", "UserTypeDoesNotExist",
}  # fmt: skip


def drivers_errors() -> set[type[Exception]]:
    names = [one.name for one in pkgutil.walk_packages(cassandra.__path__, "cassandra.", print)]
    modules = [
        importlib.import_module(name)
        for name in ("cassandra", *names)
        if not name.startswith(UNUSED_MODULES)
    ]
    found = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    return {
        one
        for one in found
        if issubclass(one, Exception) and one.__module__.partition(".")[0] == "cassandra"
    }


def test_every_error_of_the_driver_has_its_place() -> None:
    # What is new in the driver must be looked at.
    errors = drivers_errors()
    assert {one.__name__ for one in errors if not placed(one)} == UNUSED_ERRORS
    assert len(errors) > 40


def test_every_code_of_the_protocol_has_its_place() -> None:
    known = [one for one in protocol.error_classes.values() if placed(one)]
    assert len(known) == len(protocol.error_classes) > 15


def placed(kind: type[Exception]) -> bool:
    return any(one.__name__ in CASES for one in kind.__mro__)


@pytest.mark.parametrize("write_type", sorted(WriteType.name_to_value))
@pytest.mark.parametrize("call", [Call.WRITE, Call.CONDITIONAL_WRITE])
def test_a_write_time_out_of_any_type_is_a_lost_reply(write_type: str, call: Call) -> None:
    number = WriteType.name_to_value[write_type]
    error = WriteTimeout("late", write_type=number, consistency=ConsistencyLevel.SERIAL)
    assert isinstance(storage_error(error, call, "ns.t"), ReplyLostError)


def test_cas_write_unknown_is_a_lost_reply() -> None:
    error = protocol.ErrorMessage(0x1700, "CAS operation result is unknown", None)
    found = storage_error(error, Call.CONDITIONAL_WRITE, "ns.t")
    assert isinstance(found, ReplyLostError)
    assert "result is unknown" in str(found)


def test_too_few_replicas() -> None:
    error = Unavailable("few", ConsistencyLevel.QUORUM, 2, 1)
    assert isinstance(storage_error(error, Call.CONDITIONAL_WRITE, "ns.t"), ReplyLostError)
    for call in (Call.READ, Call.WRITE):
        found = storage_error(error, call, "ns.t")
        assert isinstance(found, StorageUnavailableError)
        assert found.retryable
        assert found.code == "STX-4202"


@pytest.mark.parametrize(
    "inner, meaning",
    [
        (ConnectionException("no pool"), U),
        (ConnectionShutdown("closed"), U),
        (NoConnectionsAvailable("full"), U),
        (OSError(111, "refused"), U),
        (protocol.IsBootstrappingErrorMessage(0x1002, "joining", None), U),
        (OperationTimedOut(), L),
        (protocol.ServerError(0, "bug", None), L),
        (RuntimeError("what"), L),
    ],
)
def test_of_several_hosts_the_worst_counts(inner: Exception, meaning: Meaning) -> None:
    error = NoHostAvailable("none", {"a": ConnectionException("no pool"), "b": inner})
    assert meaning_of(error, Call.CONDITIONAL_WRITE) is meaning
    assert meaning_of(error, Call.READ) is U


def test_an_ended_connection_is_a_lost_reply() -> None:
    error = ConnectionShutdown("closed under the request")
    assert isinstance(storage_error(error, Call.CONDITIONAL_WRITE, "ns.t"), ReplyLostError)
    assert isinstance(storage_error(error, Call.READ, "ns.t"), StorageUnavailableError)


def test_an_overloaded_node() -> None:
    error = protocol.OverloadedErrorMessage(0x1001, "busy", None)
    assert isinstance(storage_error(error, Call.READ, "ns.t"), StorageBusyError)
    assert isinstance(storage_error(error, Call.WRITE, "ns.t"), ReplyLostError)


@pytest.mark.parametrize(
    "message, kind, code",
    [
        ("unconfigured table t", InvalidOperationError, "STX-3017"),
        ("table t does not exist", InvalidOperationError, "STX-3017"),
        ("Undefined column name x", SchemaError, "STX-3302"),
        ("Batch too large", InvalidOperationError, "STX-3504"),
        ("line 1: no viable alternative", InvalidOperationError, "STX-3504"),
    ],
)
def test_mistakes(message: str, kind: type[Exception], code: str) -> None:
    found = storage_error(InvalidRequest(message), Call.CONDITIONAL_WRITE, "ns.t")
    assert type(found) is kind
    assert getattr(found, "code", None) == code
    assert message in str(found)


def test_a_wrong_password_is_named_though_every_host_refused_it() -> None:
    error = NoHostAvailable("none", {"a": AuthenticationFailed("wrong")})
    found = storage_error(error, Call.CONNECT, "a:9042")
    assert isinstance(found, StorageUnavailableError)
    assert found.code == "STX-4211"
    assert not found.retryable
    assert "scalar.db.password" in found.advice


@pytest.mark.parametrize(
    "words, names",
    [
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "or neither"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate", "tls.ca_root_cert_path"),
    ],
)
def test_tls_that_fails_is_named_by_the_words_that_the_driver_leaves(
    words: str, names: str
) -> None:
    for error in (ssl.SSLError(1, words), OSError(1, f"Tried connecting. Last error: {words}")):
        found = storage_error(NoHostAvailable("none", {"a": error}), Call.CONNECT, "a:9042")
        assert isinstance(found, StorageUnavailableError)
        assert found.code == "STX-4217"
        assert names in found.advice
        assert not found.retryable


@pytest.mark.parametrize(
    "inner",
    [ProtocolError("version 72"), ConnectionResetError(104, "reset"), ConnectionShutdown("ended")],
)
def test_what_takes_a_connection_and_speaks_something_else(inner: Exception) -> None:
    error = NoHostAvailable("none", {"a": inner})
    found = storage_error(error, Call.CONNECT, "a:9042")
    assert isinstance(found, StorageUnavailableError)
    assert found.code == "STX-4220"
    assert "tls.enabled" in found.advice
    later = storage_error(error, Call.PREPARE, "ns.t")
    assert isinstance(later, StorageUnavailableError)
    assert later.code == "STX-4214"


@pytest.mark.parametrize("error", [OperationTimedOut(), DriverException("x"), RuntimeError("y")])
@pytest.mark.parametrize("call", [Call.CONNECT, Call.PREPARE])
def test_nothing_is_lost_before_a_statement_is_run(error: Exception, call: Call) -> None:
    assert isinstance(storage_error(error, call, "a:9042"), StorageUnavailableError)


def test_too_large_a_request_is_told_from_a_wrong_one() -> None:
    error = InvalidRequest("Request is too big: length 17301562 exceeds maximum 16777216.")
    found = storage_error(error, Call.CONDITIONAL_WRITE, "ns.t")
    assert isinstance(found, InvalidOperationError)
    assert "smaller values" in found.advice


@pytest.mark.parametrize(
    "error",
    [OperationTimedOut(), ConnectionShutdown("ended"), protocol.TruncateError(0x1003, "x", None)],
)
def test_a_definition_whose_answer_is_lost_may_have_been_made(error: Exception) -> None:
    assert isinstance(storage_error(error, Call.DEFINITION, "ns.t"), ReplyLostError)


def test_a_definition_that_no_node_was_asked_for_was_not_made() -> None:
    error = NoHostAvailable("none", {"a": ConnectionException("no pool")})
    assert isinstance(storage_error(error, Call.DEFINITION, "ns.t"), StorageUnavailableError)


def test_where_every_node_answered_their_answer_counts() -> None:
    few = Unavailable("few", ConsistencyLevel.QUORUM, 2, 1)
    error = NoHostAvailable("none", {"a": ConnectionException("no pool"), "b": few, "c": few})
    found = storage_error(error, Call.READ, "ns.t")
    assert isinstance(found, StorageUnavailableError)
    assert found.code == "STX-4202"
    assert "majority" in found.advice
