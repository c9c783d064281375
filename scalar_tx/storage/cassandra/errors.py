"""What does an error of Cassandra or of its driver mean for the operation it struck?

One table, by the name of the driver's class; an error of a class that is not here is judged by the
class above it. A write is taken for refused only where Cassandra says so in its answer
(``[applied]``), and for not done only where it can't have begun: everything else may still take
effect, be it that Paxos has accepted it at some replica and another request will finish it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageBusyError,
    StorageUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class Call(IntEnum):
    """What was being done."""

    CONNECT = 0
    READ = 1
    WRITE = 2  # without conditions
    CONDITIONAL_WRITE = 3
    DEFINITION = 4  # of a keyspace, a table, an index
    PREPARE = 5  # a statement, before it is run


class Meaning(IntEnum):
    """What the protocol must do about an error; of several at once the greatest counts."""

    WRONG = 0  # can never succeed as it is; nothing changed
    BUSY = 1  # overloaded; nothing changed
    UNAVAILABLE = 2  # nothing was done
    LOST = 3  # may have taken effect


@dataclass(frozen=True)
class Case:
    """One class of errors: what it means for reads and writes, and what to do."""

    read: Meaning
    write: Meaning
    conditional: Meaning
    advice: str
    code: str = "STX-4201"
    retryable: bool = True


_UNAVAILABLE: Final = Meaning.UNAVAILABLE
_LOST: Final = Meaning.LOST
_REPLICAS: Final = "Check that a majority of the replicas is up (nodetool status), then begin again"
_SLOW: Final = "Check the load and the log of the nodes, then begin again"
_REACH: Final = "Check the contact points, the port and that the nodes are up, then begin again"
_TLS: Final = "Check scalar.db.cassandra.tls.*: both sides must speak TLS, or neither"
_TRUST: Final = (
    "Let scalar.db.cassandra.tls.ca_root_cert_path name the authority that signed the nodes' "
    "certificates"
)
_SMALLER: Final = (
    "Write smaller values, or less of a partition in one transaction: a request holds 16 MiB, "
    "unless native_transport_max_frame_size says otherwise"
)
_CORRECT: Final = "Check the call, and that the table is made as its definition says"


def _read_or_lost(advice: str, code: str = "STX-4201", read: Meaning = _UNAVAILABLE) -> Case:
    return Case(read, _LOST, _LOST, advice, code)


def _never_begun(advice: str, code: str, *, retryable: bool = True) -> Case:
    return Case(_UNAVAILABLE, _UNAVAILABLE, _UNAVAILABLE, advice, code, retryable)


def _wrong(advice: str = _CORRECT, code: str = "STX-3504") -> Case:
    return Case(Meaning.WRONG, Meaning.WRONG, Meaning.WRONG, advice, code, retryable=False)


CASES: Final[dict[str, Case]] = {
    # Too few replicas were seen to be alive. A plain write is then not begun; of a conditional one
    # it may be the last step that found too few, after replicas had accepted it.
    "Unavailable": Case(_UNAVAILABLE, _UNAVAILABLE, _LOST, _REPLICAS, "STX-4202"),
    # Of whatever write type: CAS has perhaps been accepted, SIMPLE was accepted but not yet learned
    # by a majority, BATCH_LOG and BATCH may be replayed.
    "WriteTimeout": _read_or_lost(_SLOW, "STX-4203"),
    "ReadTimeout": _read_or_lost(_SLOW, "STX-4203"),
    "Timeout": _read_or_lost(_SLOW, "STX-4203"),
    "WriteFailure": _read_or_lost(_SLOW, "STX-4204"),
    "ReadFailure": _read_or_lost(_SLOW, "STX-4204"),
    "CoordinationFailure": _read_or_lost(_SLOW, "STX-4204"),
    "CDCWriteFailure": _read_or_lost(_SLOW, "STX-4204"),
    "CDCWriteException": _read_or_lost(_SLOW, "STX-4204"),
    "FunctionFailure": _read_or_lost(_SLOW, "STX-4204"),
    # A write may have been sent to some replicas before the hints for another became too many.
    "OverloadedErrorMessage": _read_or_lost(
        "Lower the load or add nodes, then begin again", "STX-4205", Meaning.BUSY
    ),
    "IsBootstrappingErrorMessage": _never_begun("Wait until the node has joined", "STX-4206"),
    "TruncateError": _read_or_lost("All nodes must be up to truncate a table", "STX-4207"),
    "ServerError": _read_or_lost("See the log of the node", "STX-4208"),
    "ClientWriteError": _read_or_lost("See the log of the node", "STX-4208"),
    "ProtocolException": _read_or_lost("See the log of the node", "STX-4208"),
    # CasWriteUnknown (0x1700) and whatever the driver does not know by name.
    "ErrorMessage": _read_or_lost("See the log of the node", "STX-4208"),
    "ErrorMessageSub": _read_or_lost("See the log of the node", "STX-4208"),
    # The node did not know the statement; it was not run.
    "PreparedQueryNotFound": _never_begun("Begin again", "STX-4209"),
    "SyntaxException": _wrong(),
    "InvalidRequest": _wrong(),
    "InvalidRequestException": _wrong(),
    "ConfigurationException": _wrong("Check the replication and the options"),
    "AlreadyExists": _wrong("Pass if_not_exists=True", "STX-3018"),
    "AlreadyExistsException": _wrong("Pass if_not_exists=True", "STX-3018"),
    "UnsupportedOperation": _wrong(),
    "Unauthorized": _never_begun(
        "Grant the user SELECT and MODIFY on the keyspaces", "STX-4210", retryable=False
    ),
    "UnauthorizedErrorMessage": _never_begun(
        "Grant the user SELECT and MODIFY on the keyspaces", "STX-4210", retryable=False
    ),
    "AuthenticationFailed": _never_begun(
        "Check scalar.db.username and scalar.db.password", "STX-4211", retryable=False
    ),
    "BadCredentials": _never_begun(
        "Check scalar.db.username and scalar.db.password", "STX-4211", retryable=False
    ),
    "UnresolvableContactPoints": _never_begun(
        "Check the host names in scalar.db.contact_points", "STX-4212"
    ),
    # The driver's own time-out: the request may be anywhere.
    "OperationTimedOut": _read_or_lost(_SLOW, "STX-4213"),
    # The connection ended with the request on it.
    "ConnectionException": _read_or_lost(_REACH, "STX-4214"),
    "ConnectionShutdown": _read_or_lost(_REACH, "STX-4214"),
    "CrcException": _read_or_lost(_REACH, "STX-4214"),
    "ProtocolError": _read_or_lost(_REACH, "STX-4214"),
    # No connection had room: nothing was sent.
    "ConnectionBusy": _never_begun(_REACH, "STX-4214"),
    "NoConnectionsAvailable": _never_begun(_REACH, "STX-4214"),
    # Every host was tried; what happened at each decides.
    "NoHostAvailable": _never_begun(_REACH, "STX-4214"),
    # The session was closed before the request.
    "SessionClosed": _never_begun("Connect again", "STX-4215", retryable=False),
    "NoSuchDataCenter": _never_begun(
        "Correct or remove scalar.db.cassandra.local_data_center", "STX-4219", retryable=False
    ),
    "DriverException": _read_or_lost("See the cause of this error", "STX-4216"),
    # TLS, sockets: while connecting, or under a request.
    "SSLError": _read_or_lost(_TLS, "STX-4217"),
    "OSError": _read_or_lost(_REACH, "STX-4214"),
}
# Under NoHostAvailable they say that there was no connection: once a write is on its way, no second
# host is asked, and its connection's error comes by itself.
_CONNECTIONS: Final = frozenset({"ConnectionException", "OSError", "NoConnectionsAvailable"})
# What was never seen can't be placed.
UNKNOWN: Final = _read_or_lost("See the cause of this error", "STX-4299")


def case_of(error: BaseException) -> Case:
    """The case of an error by its class, or the nearest class above it."""
    return next((CASES[c.__name__] for c in type(error).__mro__ if c.__name__ in CASES), UNKNOWN)


def meaning_of(error: BaseException, call: Call) -> Meaning:
    """What an error means for a call; errors inside of it have their say."""
    case = case_of(error)
    own = {
        Call.CONNECT: min(case.read, _UNAVAILABLE),
        Call.PREPARE: min(case.read, _UNAVAILABLE),
        Call.READ: case.read,
        Call.WRITE: case.write,
        Call.CONDITIONAL_WRITE: case.conditional,
        Call.DEFINITION: case.write,
    }[call]
    return max([own, *(meaning_of(one, call) for one in _inner(error) if not _unsent(one, error))])


def _unsent(inner: BaseException, outer: BaseException) -> bool:
    """Was nothing sent to that host? So it is where the driver found no connection to send on."""
    names = {one.__name__ for one in type(inner).__mro__}
    return type(outer).__name__ == "NoHostAvailable" and bool(names & _CONNECTIONS)


def _inner(error: BaseException) -> Iterable[BaseException]:
    """The errors of single hosts that an error of the driver carries."""
    by_host = getattr(error, "errors", None)
    if not isinstance(by_host, dict):
        return []
    return [one for one in by_host.values() if isinstance(one, BaseException)]


# What the driver makes of an SSLError is an OSError with its words.
_WORDED: Final = {
    "CERTIFICATE_VERIFY_FAILED": "SSLCertVerificationError",
    "[SSL": "SSLError",
}
# Of a port that took the connection: what listens there speaks TLS, or is no node at all.
_FOREIGN: Final = _never_begun(
    "Check the port; if the nodes require TLS, set scalar.db.cassandra.tls.enabled=true",
    "STX-4220",
)
_FOREIGN_SIGNS: Final = frozenset({"ConnectionResetError", "ConnectionShutdown", "ProtocolError"})
# Of several hosts the one counts that was reached, in this order.
_TELLING: Final = {
    "AuthenticationFailed": CASES["AuthenticationFailed"],
    "BadCredentials": CASES["BadCredentials"],
    "SSLCertVerificationError": _never_begun(_TRUST, "STX-4217", retryable=False),
    "SSLError": _never_begun(_TLS, "STX-4217", retryable=False),
    "Unauthorized": CASES["Unauthorized"],
}


def _said_of(error: BaseException, call: Call) -> Case:
    """The case with the advice for an error: of a host that was reached, if all failed."""
    hosts = list(_inner(error))
    named = [_names(one) for one in hosts]
    for name, case in _TELLING.items():
        if any(name in names for names in named):
            return case
    if call is Call.CONNECT and any(names & _FOREIGN_SIGNS for names in named):
        return _FOREIGN
    answered = [one for one in hosts if not _unsent(one, error)]
    if answered and call is not Call.CONNECT:
        return case_of(max(answered, key=lambda one: meaning_of(one, call)))
    return case_of(error)


def _names(error: BaseException) -> set[str]:
    """Under which names an error of a host is known."""
    text = str(error)
    worded = {name for words, name in _WORDED.items() if words in text}
    return {one.__name__ for one in type(error).__mro__} | worded


def storage_error(error: BaseException, call: Call, place: str) -> Exception:
    """The error to raise for one of the driver; ``place`` names the nodes or the table."""
    text = f"Cassandra, {place}: {_words(error)}"
    case = _said_of(error, call)
    match meaning_of(error, call):
        case Meaning.LOST:
            return ReplyLostError(text)
        case Meaning.BUSY:
            return StorageBusyError(text)
        case Meaning.WRONG:
            return _mistake(text, case)
    return StorageUnavailableError(
        text, advice=case.advice, code=case.code, retryable=case.retryable
    )


def _words(error: BaseException) -> str:
    if type(error).__name__ == "UnresolvableContactPoints":
        return "no address was found for any of these hosts"
    words = str(error) or type(error).__name__
    code = getattr(error, "code", None)
    return f"{type(error).__name__}: {words}" if code is None else words


def _mistake(text: str, case: Case) -> Exception:
    lowered = text.lower()
    if "undefined column" in lowered or "unknown identifier" in lowered:
        return SchemaError(text, advice="Compare the table with its definition", code="STX-3302")
    if "unconfigured table" in lowered or ("does not exist" in lowered and "index" not in lowered):
        return InvalidOperationError(
            text, advice="Create the table with the schema loader", code="STX-3017"
        )
    if "too big" in lowered or "too large" in lowered:
        return InvalidOperationError(text, advice=_SMALLER, code=case.code)
    return InvalidOperationError(text, advice=case.advice, code=case.code)
