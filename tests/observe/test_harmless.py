"""What if something is wrong with the spans? Transactions do not notice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

import scalar_tx
from scalar_tx import Script
from tests.faces.either import Face, entered, now
from tests.faces.tables import ACCOUNT, make_accounts
from tests.observe.seen import Seen

ROOT = Path(__file__).parents[2]


class Fails(SpanProcessor):
    """A processor that fails at one moment of each span."""

    def __init__(self, at: str) -> None:
        self._at = at

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if self._at == "start":
            raise LookupError("start")

    def on_end(self, span: Any) -> None:
        if self._at == "end":
            raise LookupError("end")


@pytest.mark.parametrize("at", ["start", "end"])
async def test_a_processor_that_fails(
    db: Any, face: Face, at: str, provider: TracerProvider, caplog: pytest.LogCaptureFixture
) -> None:
    await make_accounts(db)
    provider.add_span_processor(Fails(at))
    caplog.clear()

    async def work(tx: Any) -> None:
        await now(tx.update(ACCOUNT, {"id": 1}, {"balance": 7}))

    await now(db.run(face.function(work)))
    async with entered(db.transaction()) as tx:
        await now(tx.update(ACCOUNT, {"id": 2}, {"balance": 7}))
    script = Script()
    script.update(ACCOUNT, {"id": 3}, {"balance": 7})
    await now(db.execute(script))
    found = await now(db.scan(ACCOUNT, whole_table=True))
    assert [one["balance"] for one in found] == [7, 7, 7]
    said = [one.getMessage() for one in caplog.records if one.name == "scalar_tx.tracing"]
    what = "could not begin" if at == "start" else "could not end"
    assert f"the span scalar_tx.transaction {what}; transactions go on without" in said


async def test_no_provider_to_be_had(
    db: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none() -> Any:
        raise LookupError("no such provider")

    monkeypatch.setattr(trace, "get_tracer_provider", none)
    await make_accounts(db)
    assert "nothing to make spans with; transactions go on without" in caplog.messages


async def test_spans_that_are_not_sampled(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    quiet = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: quiet)
    seen = Seen(quiet)
    await make_accounts(db)
    assert seen.spans() == []


def test_a_child_process_does_not_end_the_spans_of_its_parent(
    provider: TracerProvider, tmp_path: Path
) -> None:
    told = tmp_path / "told"

    class Writes(SpanProcessor):
        def on_end(self, span: Any) -> None:
            with told.open("a") as lines:
                lines.write(f"{os.getpid()} {span.name}\n")

    provider.add_span_processor(Writes())
    with scalar_tx.connect("memory://") as db:
        tx = db.begin()
        child = os.fork()
        if child == 0:
            del tx  # told when another one begins, if it is told at all
            db.begin().rollback()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        tx.rollback()
    lines = [f"{process} scalar_tx.transaction" for process in (child, os.getpid())]
    assert told.read_text().splitlines() == lines


async def test_threads_know_the_span_of_their_work(
    provider: TracerProvider, tmp_path: Path, face: Face
) -> None:
    """What a driver is asked by other threads, its own spans would hang below the transaction's."""
    seen = Seen(provider)
    settings = f"sqlite:///{tmp_path / 'a.db'}?synchronous=off"
    async with entered(face.open(settings)) as db:
        await make_accounts(db)
        storage = db._parts.storage
        where: list[tuple[int, int]] = []
        get = storage.get

        async def noted(*how: Any, **more: Any) -> Any:
            span = trace.get_current_span().get_span_context().span_id
            where.append((threading.get_ident(), span))
            return await get(*how, **more)

        storage.get = noted
        seen.forget()
        tx = db.begin()
        await now(tx.get(ACCOUNT, {"id": 1}))
        await now(tx.rollback())
    span = seen.one("scalar_tx.transaction").context.span_id
    assert {found for _, found in where} == {span}
    assert ({ident for ident, _ in where} == {threading.get_ident()}) is face.is_blocking


AT_EXIT = """
import scalar_tx
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
provider = TracerProvider()
line = lambda span: f"{span.name} {span.attributes['scalar_tx.transaction.outcome']}\\n"
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
trace.set_tracer_provider(provider)
tx = scalar_tx.connect("memory://").begin()
"""


def test_what_is_open_at_the_end_of_a_program_is_told() -> None:
    run = subprocess.run(
        [sys.executable, "-c", AT_EXIT], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert run.stdout == "scalar_tx.transaction abandoned\n"
