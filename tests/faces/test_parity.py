"""The two faces offer the same: names, arguments, defaults; what waits on one is awaited."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from typing import Any

import pytest

import scalar_tx
from scalar_tx import AsyncTransaction, AsyncTransactionManager, Transaction, TransactionManager
from scalar_tx.admin import Admin
from scalar_tx.admin_async import AsyncAdmin
from scalar_tx.attempts import AsyncAttempt, AsyncAttempts, Attempt, Attempts
from scalar_tx.exactly_once import AsyncOutcomes, Outcomes
from scalar_tx.transaction import Scanner
from scalar_tx.transaction_async import AsyncScanner
from scalar_tx.two_phase import TwoPhase, TwoPhaseTransaction
from scalar_tx.two_phase_async import AsyncTwoPhase, AsyncTwoPhaseTransaction

PAIRS = [
    (TransactionManager, AsyncTransactionManager),
    (Transaction, AsyncTransaction),
    (Scanner, AsyncScanner),
    (Admin, AsyncAdmin),
    (Outcomes, AsyncOutcomes),
    (Attempts, AsyncAttempts),
    (Attempt, AsyncAttempt),
    (TwoPhase, AsyncTwoPhase),
    (TwoPhaseTransaction, AsyncTwoPhaseTransaction),
]
# What asks nothing of the database is not awaited.
AT_ONCE = {
    TransactionManager: {
        *("begin", "start", "transaction", "resume", "attempts", "transactional"),
        *("admin", "outcomes", "settings", "record_history", "two_phase", "decision_counts"),
    },
    TwoPhase: {"begin", "start", "join", "resume"},
    TwoPhaseTransaction: {"id", "isolation", "read_only", "outcome", "on_commit", "explain"},
    Transaction: {"id", "isolation", "read_only", "outcome", "on_commit", "explain"},
    Scanner: {"page_token"},
    Admin: set(),
    Outcomes: set(),
    Attempts: set(),
    Attempt: set(),
}
SPECIAL = {
    "__enter__": "__aenter__",
    "__exit__": "__aexit__",
    "__iter__": "__aiter__",
    "__reduce__": "__reduce__",
    "__repr__": "__repr__",
}


def public(kind: type) -> dict[str, Any]:
    """The public members, and under the blocking face's names those that Python calls."""
    found = {}
    for base in reversed(kind.__mro__[:-1]):
        for name, member in vars(base).items():
            if not name.startswith("_"):
                found[name] = member
            for plain, of_asyncio in SPECIAL.items():
                wanted = of_asyncio if kind.__name__.startswith("Async") else plain
                if name == wanted:
                    found[plain] = member
    return found


def parameters(member: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(member, property):
        return []
    return [(p.name, p.kind, p.default) for p in inspect.signature(member).parameters.values()]


@pytest.mark.parametrize("blocking,of_asyncio", PAIRS, ids=lambda kind: kind.__name__)
def test_names_and_signatures(blocking: type, of_asyncio: type) -> None:
    ours, theirs = public(blocking), public(of_asyncio)
    assert ours.keys() == theirs.keys()
    for name, member in ours.items():
        assert isinstance(member, property) == isinstance(theirs[name], property), name
        assert parameters(member) == parameters(theirs[name]), name


@pytest.mark.parametrize("blocking,of_asyncio", PAIRS, ids=lambda kind: kind.__name__)
def test_what_waits_is_awaited(blocking: type, of_asyncio: type) -> None:
    for name, member in public(of_asyncio).items():
        if name.startswith("__"):
            continue
        assert inspect.iscoroutinefunction(member) == (name not in AT_ONCE[blocking]), name


def test_every_public_method_says_what_it_does() -> None:
    for pair in PAIRS:
        for kind in pair:
            for name, member in public(kind).items():
                assert name.startswith("__") or (inspect.getdoc(member) or "").strip(), name


def test_what_is_exported() -> None:
    names = PUBLIC
    assert set(names) <= set(scalar_tx.__all__)
    for name in scalar_tx.__all__:
        assert getattr(scalar_tx, name) is not None
    with pytest.raises(AttributeError):
        scalar_tx.nothing  # noqa: B018
    namespace: dict[str, Any] = {}
    exec("from scalar_tx import *", namespace)
    assert set(names) <= namespace.keys()


def test_the_blocking_face_does_without_asyncio() -> None:
    code = (
        "import sys, scalar_tx\n"
        "with scalar_tx.connect('memory://') as db:\n"
        "    db.admin.create_table('a.b', columns={'id': 'INT'}, partition_key=['id'])\n"
        "    db.upsert('a.b', {'id': 1})\n"
        "assert 'scalar_tx.manager_async' not in sys.modules\n"
        "assert 'asyncio' not in sys.modules, 'asyncio'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


PUBLIC = (
    "connect",
    "connect_async",
    "open_storage",
    "TransactionManager",
    "AsyncTransactionManager",
    "Transaction",
    "AsyncTransaction",
    "Isolation",
    "TransactionState",
    "Get",
    "Scan",
    "Insert",
    "Upsert",
    "Update",
    "Delete",
    "Put",
    "Record",
    "TableSchema",
    "column",
    "if_exists",
    "if_not_exists",
    "table",
    "RetryPolicy",
    "ScalarTxError",
    "ConflictError",
    "ConditionNotMetError",
    "RecordNotFoundError",
    "UnknownOutcomeError",
    "TransactionNotFoundError",
    "InvalidOperationError",
    "SettingsError",
    "SchemaError",
    "StorageUnavailableError",
)


ERRORS = [
    scalar_tx.ConflictError(
        "in the way", records=[("a.b", {"id": 1})], other_transaction="x", retry_after=1.5
    ),
    scalar_tx.ConditionNotMetError(
        "not met", record=scalar_tx.Record("a.b", {"id": 1}, {"id": 1, "n": None})
    ),
    *(
        kind("what happened", advice="what to do", code="STX-9999", transaction_id="t")
        for kind in (
            scalar_tx.RecordNotFoundError,
            scalar_tx.UnknownOutcomeError,
            scalar_tx.TransactionNotFoundError,
            scalar_tx.InvalidOperationError,
            scalar_tx.SettingsError,
            scalar_tx.SchemaError,
            scalar_tx.StorageUnavailableError,
        )
    ),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_pickle(error: scalar_tx.ScalarTxError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)
    assert back.args == error.args


VALUES: list[Any] = [
    scalar_tx.Record("a.b", {"id": 1}, {"id": 1, "n": b"\x00", "t": None}),
    scalar_tx.Get("a.b", {"id": 1}, columns=["n"], where=scalar_tx.column("n") > 1),
    scalar_tx.Scan("a.b", {"id": 1}, start={"c": 1}, order_by=["-c"], limit=3),
    scalar_tx.Insert("a.b", {"id": 1}),
    scalar_tx.Upsert("a.b", {"id": 1}),
    scalar_tx.Update("a.b", {"id": 1}, {"n": 1}, where=scalar_tx.if_exists, missing="ignore"),
    scalar_tx.Delete("a.b", {"id": 1}, where=scalar_tx.column("n").like("a%")),
    scalar_tx.Put("a.b", {"id": 1}, where=scalar_tx.if_not_exists, implicit_pre_read=True),
    (scalar_tx.column("n") == 1) & ((scalar_tx.column("m") < 2) | scalar_tx.column("n").is_null()),
    scalar_tx.RetryPolicy(retries=3, deadline=1.0),
    scalar_tx.TableSchema({"id": "INT", "c": "TEXT", "n": "INT"}, ["id"], ["c DESC"], ["n"]),
    *scalar_tx.Isolation,
    *scalar_tx.TransactionState,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_pickle(value: Any) -> None:
    back = pickle.loads(pickle.dumps(value))
    assert back == value
    assert repr(back) == repr(value)


@pytest.mark.parametrize("name", ["manager", "transaction", "attempts of a transaction"])
def test_managers_and_transactions_do_not_pickle(db: Any, name: str) -> None:
    tx = db.begin()
    what = {"manager": db, "transaction": tx, "attempts of a transaction": [tx, 1]}[name]
    with pytest.raises(scalar_tx.InvalidOperationError) as caught:
        pickle.dumps(what)
    assert caught.value.code == "STX-3042"
