"""What do spans cost a program that does not trace?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace

import scalar_tx
from scalar_tx.observe import carried, spans, tracing
from scalar_tx.transaction import Transaction
from scalar_tx.transaction_async import AsyncTransaction
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
OURS = {one.__file__ for one in (spans, tracing, carried)}

# A program that has OpenTelemetry installed, and does not use it.
PROGRAM = """
import asyncio, sys
import scalar_tx
from tests.cluster.served import Served

SCHEMA = dict(columns={"id": "INT", "n": "INT"}, partition_key=["id"], if_not_exists=True)
script = scalar_tx.Script()
script.upsert("s.t", {"id": 1, "n": 1})

def on_threads(target):
    with scalar_tx.connect(target) as db:
        db.admin.create_table("s.t", **SCHEMA)
        db.run(lambda tx: tx.upsert("s.t", {"id": 1, "n": 1}))
        db.execute(script)
        with db.begin() as tx:
            tx.get("s.t", {"id": 1})
        part = db.two_phase.begin()
        part.rollback()

async def on_a_loop(target):
    async with scalar_tx.connect_async(target) as db:
        await db.admin.create_table("s.t", **SCHEMA)
        await db.upsert("s.t", {"id": 1, "n": 1})
        await db.execute(script)

served = Served("memory://")
for target in ("memory://", served.url):
    on_threads(target)
    asyncio.run(on_a_loop(target))
served.close()
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


def test_nothing_of_opentelemetry_is_imported() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert run.stdout.strip() == "[]"


def calls_of_ours(work: Callable[[], object]) -> list[str]:
    """What is called, meanwhile, of all that is there for spans."""
    called = []

    def look(frame: Any, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename in OURS:
            called.append(frame.f_code.co_qualname)

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return called


@pytest.mark.parametrize("imported", [True, False])
def test_an_operation_does_nothing_for_spans(
    imported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not imported:
        monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    asked = ["tracer", *(["_tracer"] * imported)]
    with scalar_tx.connect("memory://") as db:
        db.admin.create_table(ACCOUNT, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
        tx = db.begin()

        def all_of_it() -> None:
            tx.get(ACCOUNT, {"id": 1})
            tx.upsert(ACCOUNT, {"id": 1, "n": 1})
            tx.scan(ACCOUNT, whole_table=True)
            tx.commit()

        assert calls_of_ours(all_of_it) == []
        assert calls_of_ours(db.begin) == ["TransactionSpan.begun", *asked]
        # Once for the run, once for its attempt.
        assert calls_of_ours(lambda: db.upsert(ACCOUNT, {"id": 2})) == [
            "RunSpan.begun",
            *asked,
            "TransactionSpan.begun",
            *asked,
        ]


async def test_transactions_are_plain_ones(db: Any) -> None:
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    await make_accounts(db)
    tx = db.begin()
    assert type(tx) in (Transaction, AsyncTransaction)
    await now(tx.rollback())
