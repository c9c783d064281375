"""Whatever is wrong with an operation's arguments, the refusal says so and nothing is half done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from scalar_tx import if_not_exists
from scalar_tx.errors import InvalidOperationError, ScalarTxError
from tests.bad_input import wrong_values as wrong
from tests.bad_input.refusals import blanks, refusal
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, ENTRY, make_accounts, make_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KEY: Final = {"id": 1}
NEW: Final = {"id": 9, "balance": 1}


@dataclass(frozen=True)
class Call:
    """A call that is right, and for each argument the values that make it wrong."""

    method: str
    right: dict[str, Any]
    wrong: dict[str, Iterable[Any]] = field(default_factory=dict)

    def wrong_ones(self) -> list[dict[str, Any]]:
        return [
            {**self.right, name: value} for name, values in self.wrong.items() for value in values
        ]


READS: Final = [
    Call(
        "get",
        {"table": ACCOUNT, "key": KEY},
        {
            "table": wrong.TABLE,
            "key": (None, *wrong.KEY),
            "columns": wrong.COLUMNS,
            "where": (*wrong.WHERE, *wrong.EXISTENCE),
            "index": ({"owner": "x"}, *wrong.ACCOUNT_INDEX),
            "weak": wrong.FLAG,
        },
    ),
    Call(
        "get",
        {"table": ACCOUNT, "index": {"owner": "owner 0"}},
        {"table": wrong.TABLE, "index": (None, *wrong.ACCOUNT_INDEX), "columns": wrong.COLUMNS},
    ),
    *(
        call
        for method in ("scan", "scanner")
        for call in (
            Call(
                method,
                {"table": ENTRY, "partition": {"day": "mon"}},
                {
                    "table": wrong.TABLE,
                    "partition": (None, *wrong.KEY, {"day": 1}, {"day": "mon", "seq": 1}),
                    "order_by": wrong.PARTITION_ORDER,
                    "limit": wrong.LIMIT,
                    "start": wrong.BOUND,
                    "end": wrong.BOUND,
                    "start_inclusive": wrong.FLAG,
                    "end_inclusive": wrong.FLAG,
                    "after": wrong.TOKEN,
                    "columns": wrong.COLUMNS,
                    "where": (*wrong.WHERE, *wrong.EXISTENCE),
                    "index": ({"what": "w0"}, *wrong.ACCOUNT_INDEX),
                    "whole_table": (True, *wrong.FLAG),
                    "weak": wrong.FLAG,
                },
            ),
            Call(
                method,
                {"table": ACCOUNT, "index": {"owner": "owner 1"}},
                {
                    "index": (None, *wrong.ACCOUNT_INDEX),
                    "order_by": (["id"], []),
                    "start": ({"id": 1},),
                    "end": ({"id": 1},),
                    "after": ("AAAA", ""),
                    "start_inclusive": wrong.FLAG,
                    "end_inclusive": wrong.FLAG,
                },
            ),
            Call(
                method,
                {"table": ENTRY, "whole_table": True},
                {
                    "order_by": wrong.ORDER,
                    "start": ({"seq": 1},),
                    "end": ({"seq": 1},),
                    "after": wrong.TOKEN,
                    "limit": wrong.LIMIT,
                    "where": wrong.WHERE,
                    "partition": ({"day": "mon"}, {}),
                    "start_inclusive": wrong.FLAG,
                    "end_inclusive": wrong.FLAG,
                },
            ),
        )
    ),
]
WRITES: Final = [
    *(
        Call(method, {"table": ACCOUNT, "values": NEW}, {"table": wrong.TABLE, "values": values})
        for method in ("insert", "upsert", "put")
        for values in [
            (
                *wrong.VALUES,
                *(value for value in wrong.KEY if value != {"id": 1, "owner": "x"}),
                *({**NEW, **value} for value in wrong.VALUES if isinstance(value, dict)),
            )
        ]
    ),
    Call(
        "put",
        {"table": ACCOUNT, "values": NEW},
        {
            # Whatever is there: the condition itself is judged first.
            "where": wrong.WHERE,
            "implicit_pre_read": wrong.FLAG,
            "insert_mode": wrong.FLAG,
        },
    ),
    *(
        Call(
            "update",
            {"table": ACCOUNT, "key": key, "values": {"balance": 1}, **extra},
            {
                "table": wrong.TABLE,
                "key": (None, *wrong.KEY),
                "values": (*wrong.VALUES, {"id": 1}, {"id": 2, "balance": 1}),
                "where": (*wrong.WHERE, if_not_exists),
                "missing": wrong.MISSING,
            },
        )
        for key, extra in ((KEY, {}), ({"id": 77}, {"missing": "ignore"}))
    ),
    *(
        Call(
            "delete",
            {"table": ACCOUNT, "key": key},
            {
                "table": wrong.TABLE,
                "key": (None, *wrong.KEY),
                "where": (*wrong.WHERE, if_not_exists),
            },
        )
        for key in (KEY, {"id": 77})
    ),
    Call("mutate", {"mutations": []}, {"mutations": wrong.MUTATIONS}),
    Call("batch", {"operations": []}, {"operations": wrong.OPERATIONS}),
]


async def refused(call: Callable[..., Any], arguments: dict[str, Any]) -> str | None:
    """Why the refusal of a call is not as it must be; None: it is."""
    error = await refusal(call, **arguments)
    if error is None:
        return "it went through"
    if not isinstance(error, InvalidOperationError):
        return f"{type(error).__name__}: {error}"
    missing = blanks(error)
    return f"no {', '.join(missing)}: {error}" if missing else None


async def complaints(owner: Any, calls: Iterable[Call]) -> list[str]:
    found = []
    for call in calls:
        for arguments in call.wrong_ones():
            why = await refused(getattr(owner, call.method), arguments)
            if why is not None:
                found.append(f"{call.method}({arguments}): {why}")
    return found


def test_the_table_is_long() -> None:
    assert sum(len(call.wrong_ones()) for call in (*READS, *WRITES)) > 800


async def test_in_a_transaction(db: Any) -> None:
    await make_accounts(db)
    await make_entries(db)
    before = await now(db.scan(ACCOUNT, whole_table=True))
    tx = db.begin()
    assert await now(tx.get(ACCOUNT, KEY)) is not None
    assert await complaints(tx, READS) == []
    assert await complaints(tx, WRITES) == []
    # Still usable, and none of it left a trace.
    assert await now(tx.scan(ACCOUNT, whole_table=True)) == before
    await now(tx.update(ACCOUNT, KEY, {"balance": 7}))
    await now(tx.commit())
    after = await now(db.scan(ACCOUNT, whole_table=True))
    assert [dict(r) for r in after] == [
        {**r, "balance": 7} if r["id"] == 1 else dict(r) for r in before
    ]


async def test_in_a_transaction_of_one_operation(db: Any) -> None:
    await make_accounts(db)
    await make_entries(db)
    before = await now(db.scan(ACCOUNT, whole_table=True))
    reads = [call for call in READS if call.method != "scanner"]
    assert await complaints(db, reads) == []
    assert await complaints(db, WRITES) == []
    assert await now(db.scan(ACCOUNT, whole_table=True)) == before


@pytest.mark.parametrize("call", [*READS, *WRITES[:-2]], ids=lambda call: call.method)
async def test_what_is_right_goes_through(db: Any, call: Call) -> None:
    await make_accounts(db, count=2)
    await make_entries(db, days=("mon",), count=2)
    tx = db.begin()
    assert await refusal(getattr(tx, call.method), **call.right) is None
    await now(tx.commit())


async def test_errors_name_their_transaction(db: Any) -> None:
    await make_accounts(db)
    tx = db.begin()
    for method, arguments in (
        ("get", {"table": "bank.nothing", "key": KEY}),
        ("get", {"table": ACCOUNT, "key": {"id": "x"}}),
        ("insert", {"table": ACCOUNT, "values": {"id": 1, "nope": 1}}),
        ("delete", {"table": ACCOUNT, "key": {}}),
        ("update", {"table": ACCOUNT, "key": {"id": 99}, "values": {"balance": 1}}),
        ("scan", {"table": ACCOUNT, "partition": {"nope": 1}}),
    ):
        error = await refusal(getattr(tx, method), **arguments)
        assert isinstance(error, ScalarTxError)
        assert error.transaction_id == tx.id
        assert tx.id in str(error)
