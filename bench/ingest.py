"""How many events a second does the event service take in?

python -m bench ingest            batches of 100 events of 100 items each, on SQLite, one importer
python -m bench ingest --profile  and where the time of the service's process goes
python -m bench ingest --node grpc://localhost:60053   the same over a node that offers it,
                                  with a service's token in SCALAR_AUDITOR_TOKEN
python -m bench ingest --servers  events on DynamoDB Local, all else on Cassandra (Java, Maven)
python -m bench ingest --servers --workers 2   the same over a node of its own

The service runs in this process behind a real gRPC server, and its importer too: what a batch costs
as CPU is that of both, over a node that of the importer alone. Each run has a stream and items of
its own, and on SQLite a database.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import statistics
import tempfile
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from bench.auditor_stand import node_on, on_servers, requests_counted, told
from bench.costliest import costliest
from scalar_auditor.client import connect
from scalar_auditor.rpc.v1 import event_pb2
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TOKEN = "SCALAR_AUDITOR_TOKEN"  # noqa: S105  # the variable's name
COSTLIEST = 20
COUNTED = 5  # batches


@dataclass(frozen=True)
class Run:
    """One run: by the clock on the wall, and CPU of a batch in seconds."""

    events_per_second: float
    cpu_seconds: float


def requests(
    batches: int, size: int, *, first: int, user_id: str = "importer-1"
) -> list[event_pb2.IngestEventsRequest]:
    """Batches of one stream, each event of another item, which it tells all of."""
    return [
        event_pb2.IngestEventsRequest(
            user_id=user_id,
            from_position=str(number) if number else "",
            to_position=str(number + 1),
            events=[_event(user_id, number * size + one) for one in range(size)],
        )
        for number in range(first, first + batches)
    ]


def _event(user_id: str, number: int) -> event_pb2.Event:
    name = f"{user_id}-{number}"
    created_at = 1_760_000_000_000 + 100 * number
    return event_pb2.Event(
        event_type="UPLOAD",
        item_id=name,
        item_type="FILE",
        item_name=f"report {number}.pdf",
        user_id=user_id,
        user_email="ada@example.org",
        source_id=name,
        additional_details='{"service_name":"Box Sync"}',
        created_at=created_at,
        item={
            "item_id": name,
            "item_type": "FILE",
            "name": f"report {number}.pdf",
            "parent_id": "folder-1",
            "sha1_hash": f"{number:040x}",
            "size": 123_456,
            "owner_id": user_id,
            "owner_email": "ada@example.org",
            "version_id": f"version-{number}",
            "created_at": created_at,
            "modified_at": created_at,
        },
    )


def measured(batches: int, size: int, target: str, profile: cProfile.Profile | None) -> Run:
    """One run in this process, of a new stream."""
    user_id = _new_stream()
    with _stage(target) as stage:
        service = stage.as_service()

        def switch(turn: Callable[[cProfile.Profile], None]) -> None:
            if profile is not None:
                stage.run(_switched(turn, profile))

        run = _timed(service.IngestEvents, batches, size, user_id, switch)
        reached = service.GetPosition(user_id=user_id).stream_position
        assert reached == str(_warm_up(batches) + batches)
    return run


def over_node(batches: int, size: int, node: str, token: str) -> Run:
    """One run over a node, of a new stream."""
    user_id = _new_stream()
    with connect(node, token=token) as client:
        run = _timed(client.event.ingest_events, batches, size, user_id, lambda _: None)
        reached = client.event.get_position(user_id=user_id).stream_position
        assert reached == str(_warm_up(batches) + batches)
    return run


def counted(batches: int, size: int, target: str) -> str:
    """What a batch asks of Cassandra and DynamoDB."""
    with _stage(target) as stage:
        service = stage.as_service()
        first, *others = requests(batches + 1, size, first=0, user_id=_new_stream())
        _send(service.IngestEvents, first)  # statements are prepared at their first use
        with requests_counted() as counts:
            for request in others:
                _send(service.IngestEvents, request)
    return told(counts, batches)


def _stage(target: str) -> Stage:
    stage = Stage(target, names=("event", "item"))
    stage.as_service().UpsertItem(
        item_id="folder-1", item_type="FOLDER", name="Reports", modified_at=1
    )
    return stage


def _new_stream() -> str:
    return f"bench-{uuid.uuid4().hex}"


def _timed(
    call: Callable[..., Any],
    batches: int,
    size: int,
    user_id: str,
    switch: Callable[[Callable[[cProfile.Profile], None]], None],
) -> Run:
    warm_up = _warm_up(batches)
    for request in requests(warm_up, size, first=0, user_id=user_id):
        _send(call, request)
    wanted = requests(batches, size, first=warm_up, user_id=user_id)
    switch(cProfile.Profile.enable)
    began, cpu = time.perf_counter(), time.process_time()
    for request in wanted:
        _send(call, request)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    switch(cProfile.Profile.disable)
    return Run(batches * size / seconds, cpu / batches)


def _warm_up(batches: int) -> int:
    return max(1, batches // 5)


def _send(call: Callable[..., Any], request: event_pb2.IngestEventsRequest) -> None:
    answer = call(
        user_id=request.user_id,
        from_position=request.from_position,
        to_position=request.to_position,
        events=request.events,
    )
    assert not answer.repeated_batch


async def _switched(turn: Callable[[cProfile.Profile], None], profile: cProfile.Profile) -> None:
    turn(profile)


def _runs(
    wanted: argparse.Namespace, profile: cProfile.Profile | None, standing: ExitStack
) -> tuple[list[Run], str]:
    """The runs, and what a batch cost, where that is counted."""
    size = (wanted.batches, wanted.size)
    times = range(wanted.runs)
    if wanted.servers:
        target = str(standing.enter_context(on_servers()))
        if wanted.workers:
            node, token = standing.enter_context(node_on(Path(target), wanted.workers))
            return [over_node(*size, node, token) for _ in times], ""
        runs = [measured(*size, target, profile) for _ in times]
        return runs, counted(COUNTED, wanted.size, target)
    if wanted.node:
        return [over_node(*size, wanted.node, os.environ[TOKEN]) for _ in times], ""
    folder = Path(standing.enter_context(tempfile.TemporaryDirectory()))
    targets = [wanted.target or f"sqlite:///{folder / f'events{one}.db'}" for one in times]
    return [measured(*size, target, profile) for target in targets], ""


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench ingest")
    parser.add_argument("--batches", type=int, default=100, help="in a run, behind the warm-up")
    parser.add_argument("--size", type=int, default=100, help="events in a batch, 1 to 500")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--target", default="", help="instead of a new SQLite file for each run")
    parser.add_argument("--node", default="", help="instead of the service in this process")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--servers", action="store_true", help="on Cassandra and DynamoDB Local")
    parser.add_argument("--workers", type=int, default=0, help="of a node on them; 0: no node")
    wanted = parser.parse_args(arguments)
    if wanted.workers and not wanted.servers:
        parser.error("--workers goes with --servers; start a node yourself, and name it: --node")
    profile = cProfile.Profile() if wanted.profile else None
    with ExitStack() as standing:
        runs, cost = _runs(wanted, profile, standing)
    screen = Console()
    rates = sorted((run.events_per_second for run in runs), reverse=True)
    table = Table("run", "events a second", "CPU of a batch", title="IngestEvents")
    for number, run in enumerate(runs, 1):
        table.add_row(
            str(number), f"{run.events_per_second:,.0f}", f"{1000 * run.cpu_seconds:.1f} ms"
        )
    screen.print(table)
    screen.print(f"best {rates[0]:,.0f}, median {statistics.median(rates):,.0f} events a second")
    if cost:
        screen.print(f"a batch: {cost}")
    if profile is not None:
        costs = Table("own time", "calls", "function", title="Of a batch, in the service's loop")
        for one in costliest(profile, wanted.batches * wanted.runs, COSTLIEST):
            costs.add_row(f"{one.micros:.0f} µs", f"{one.calls:g}", one.name)
        screen.print(costs)
    return 0
