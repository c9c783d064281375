"""Every class of errors that the driver knows, by table."""

from __future__ import annotations

import importlib
import ssl

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
from cassandra.connection import ConnectionException, ConnectionShutdown
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


def drivers_errors() -> set[type[Exception]]:
    modules = [
        importlib.import_module(f"cassandra{name}")
        for name in ("", ".cluster", ".connection", ".pool", ".protocol")
    ]
    found = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    return {one for one in found if issubclass(one, Exception) and "cassandra" in one.__module__}


def test_every_error_of_the_driver_has_its_place() -> None:
    # Those of parts that are not used; what is new in the driver must be looked at.
    unused = {
        "DependencyException", "InternalError", "NotSupportedError", "QueryExhausted",
        "TraceUnavailable", "UserTypeDoesNotExist",
    }  # fmt: skip
    errors = drivers_errors()
    unplaced = {one.__name__ for one in errors if not placed(one)}
    assert unplaced == unused
    assert len(errors) > 30


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


def test_tls_against_a_server_without_it_is_named() -> None:
    error = NoHostAvailable("none", {"a": ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")})
    found = storage_error(error, Call.CONNECT, "a:9042")
    assert isinstance(found, StorageUnavailableError)
    assert found.code == "STX-4217"


@pytest.mark.parametrize("error", [OperationTimedOut(), DriverException("x"), RuntimeError("y")])
def test_nothing_is_lost_while_connecting(error: Exception) -> None:
    assert isinstance(storage_error(error, Call.CONNECT, "a:9042"), StorageUnavailableError)
