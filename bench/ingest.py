"""How many events a second does the event service take in?

python -m bench ingest            batches of 100 events of 100 items each, on SQLite, one importer
python -m bench ingest --profile  and where the time of the service's process goes

The service runs in this process behind a real gRPC server, and its importer too: what a batch costs
as CPU is that of both. Each run has a database of its own.
"""

from __future__ import annotations

import argparse
import cProfile
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bench.costliest import costliest
from scalar_auditor.rpc.v1 import event_pb2
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USER = "importer-1"
COSTLIEST = 20


@dataclass(frozen=True)
class Run:
    """One run: by the clock on the wall, and CPU of a batch in seconds."""

    events_per_second: float
    cpu_seconds: float


def requests(batches: int, size: int, *, first: int) -> list[event_pb2.IngestEventsRequest]:
    """Batches of one stream, each event of another item, which it tells all of."""
    return [
        event_pb2.IngestEventsRequest(
            user_id=USER,
            from_position=str(number) if number else "",
            to_position=str(number + 1),
            events=[_event(number * size + one) for one in range(size)],
        )
        for number in range(first, first + batches)
    ]


def _event(number: int) -> event_pb2.Event:
    created_at = 1_760_000_000_000 + 100 * number
    return event_pb2.Event(
        event_type="UPLOAD",
        item_id=f"item-{number}",
        item_type="FILE",
        item_name=f"report {number}.pdf",
        user_id=USER,
        user_email="ada@example.org",
        source_id=f"event-{number}",
        additional_details='{"service_name":"Box Sync"}',
        created_at=created_at,
        item={
            "item_id": f"item-{number}",
            "item_type": "FILE",
            "name": f"report {number}.pdf",
            "parent_id": "folder-1",
            "sha1_hash": f"{number:040x}",
            "size": 123_456,
            "owner_id": USER,
            "owner_email": "ada@example.org",
            "version_id": f"version-{number}",
            "created_at": created_at,
            "modified_at": created_at,
        },
    )


def measured(batches: int, size: int, target: str, profile: cProfile.Profile | None) -> Run:
    """One run over a new database."""
    with Stage(target, names=("event", "item")) as stage:
        service = stage.as_service()
        service.UpsertItem(item_id="folder-1", item_type="FOLDER", name="Reports", modified_at=1)
        warm_up = max(1, batches // 5)
        for request in requests(warm_up, size, first=0):
            _send(service.IngestEvents, request)
        wanted = requests(batches, size, first=warm_up)
        if profile is not None:
            stage.run(_switch(profile.enable))
        began, cpu = time.perf_counter(), time.process_time()
        for request in wanted:
            _send(service.IngestEvents, request)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        if profile is not None:
            stage.run(_switch(profile.disable))
        events = sum(1 for _ in stage.rows("event.events"))
        assert events == (warm_up + batches) * size
        assert service.GetPosition(user_id=USER).stream_position == str(warm_up + batches)
    return Run(batches * size / seconds, cpu / batches)


def _send(call: Callable[..., Any], request: event_pb2.IngestEventsRequest) -> None:
    answer = call(
        user_id=request.user_id,
        from_position=request.from_position,
        to_position=request.to_position,
        events=request.events,
    )
    assert not answer.repeated_batch


async def _switch(turn: Callable[[], None]) -> None:
    turn()


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench ingest")
    parser.add_argument("--batches", type=int, default=100, help="in a run, behind the warm-up")
    parser.add_argument("--size", type=int, default=100, help="events in a batch, 1 to 500")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--target", default="", help="instead of a new SQLite file for each run")
    parser.add_argument("--profile", action="store_true")
    wanted = parser.parse_args(arguments)
    profile = cProfile.Profile() if wanted.profile else None
    runs = []
    for _ in range(wanted.runs):
        with tempfile.TemporaryDirectory() as folder:
            target = wanted.target or f"sqlite:///{Path(folder) / 'events.db'}"
            runs.append(measured(wanted.batches, wanted.size, target, profile))
    screen = Console()
    rates = sorted((run.events_per_second for run in runs), reverse=True)
    table = Table("run", "events a second", "CPU of a batch", title="IngestEvents")
    for number, run in enumerate(runs, 1):
        table.add_row(
            str(number), f"{run.events_per_second:,.0f}", f"{1000 * run.cpu_seconds:.1f} ms"
        )
    screen.print(table)
    screen.print(f"best {rates[0]:,.0f}, median {statistics.median(rates):,.0f} events a second")
    if profile is not None:
        costs = Table("own time", "calls", "function", title="Of a batch, in the service's loop")
        for one in costliest(profile, wanted.batches * wanted.runs, COSTLIEST):
            costs.add_row(f"{one.micros:.0f} µs", f"{one.calls:g}", one.name)
        screen.print(costs)
    return 0
