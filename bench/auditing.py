"""How long does an auditor wait on Cassandra with DynamoDB Local, and what is asked of them?

python -m bench audit       the first page of a day of 20,000 events; a set of 500 items verified
python -m bench audit --events 4000 --items 100

The services run in this process behind a real gRPC server (Java, Maven).
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from bench.auditor_stand import ADMIN, on_servers, requests_counted, told
from scalar_auditor.event import rules
from scalar_auditor.identity.first_admin import make_first_admin
from scalar_auditor.permissions import Role
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.transaction_async import AsyncTransaction
    from tests.services.stage import Calls

DAY: Final = "2025-10-09"
DAY_MS: Final = 1_759_968_000_000
PAGE: Final = 100
SERVED: Final = ("audit", "verification", "event", "item")
_AT_ONCE: Final = 8
_TIMES: Final = 20
_OF_A_FILL: Final = 100  # events of a transaction


def fill_day(stage: Stage, events: int) -> None:
    """So many events of one day, straight into their table."""

    async def put(tx: AsyncTransaction, first: int) -> None:
        for number in range(first, min(first + _OF_A_FILL, events)):
            event_id = rules.time_ordered_id(DAY_MS + 4_000 * number, f"e{number}")
            row: dict[str, Any] = {
                "yyyy_mm_dd": DAY,
                "shard": rules.shard_of(event_id),
                "event_id": event_id,
                "event_type": "EDIT",
                "item_id": f"file-{number % 1000}",
                "item_type": "FILE",
                "item_name": f"report {number % 1000}.pdf",
                "user_id": "u1",
                "user_email": "ada@example.org",
                "source_id": f"e{number}",
                "additional_details": '{"service_name":"Box Sync"}',
                "created_at": DAY_MS + 4_000 * number,
            }
            await tx.upsert("event.events", row)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        starts = range(0, events, _OF_A_FILL)
        list(threads.map(lambda first: stage.run(stage.manager.run(put, first)), starts))


def fill_set(stage: Stage, admin: Calls, items: int) -> str:
    """A set of so many registered files; its id."""
    service = stage.as_service()

    def register(number: int) -> str:
        item_id = f"file-{number:06}"
        digest = f"{number:040x}"
        service.UpsertItem(item_id=item_id, item_type="FILE", name=item_id, modified_at=1)
        service.RegisterItem(item_id=item_id, sha1_hash=digest, version_id="1")
        return item_id

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        ids = list(threads.map(register, range(items)))
    audit_set_id: str = admin.CreateAuditSet(audit_set_id="bench", name="Bench").audit_set_id
    for first in range(0, items, 500):
        admin.AddItems(audit_set_id=audit_set_id, item_ids=ids[first : first + 500])
    return audit_set_id


def timed(call: Callable[[], Any], times: int) -> tuple[list[float], str]:
    """Seconds of each of several calls, and what one of them asks for."""
    call()  # statements are prepared at their first use
    seconds = []
    with requests_counted() as counts:
        for _ in range(times):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
    return seconds, told(counts, times)


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench audit")
    parser.add_argument("--events", type=int, default=20_000, help="of the day")
    parser.add_argument("--items", type=int, default=500, help="in the set")
    wanted = parser.parse_args(arguments)
    screen = Console()
    with ExitStack() as standing:
        target = standing.enter_context(on_servers())
        stage = standing.enter_context(Stage(str(target), names=SERVED))
        stage.run(make_first_admin(stage.manager, ADMIN))
        admin = stage.as_person(ADMIN, Role.AUDIT_ADMIN)

        def page() -> None:
            found = admin.QueryEvents(from_day=DAY, to_day=DAY, page={"page_size": PAGE})
            assert len(found.events) == min(PAGE, wanted.events)

        def verify() -> None:
            *_, last = admin.VerifyAuditSet(audit_set_id=audit_set_id)
            assert (last.finished, last.verified, last.tampered) == (True, wanted.items, 0)

        fill_day(stage, wanted.events)
        seconds, cost = timed(page, _TIMES)
        middle, longest = 1000 * statistics.median(seconds), 1000 * max(seconds)
        screen.print(f"the first {PAGE} of {wanted.events:,} events of a day: {cost};")
        screen.print(f"median {middle:,.0f} ms, longest {longest:,.0f} ms")
        audit_set_id = fill_set(stage, admin, wanted.items)
        [whole], cost = timed(verify, 1)
        screen.print(f"a set of {wanted.items:,} items verified: {cost}; {whole:,.1f} s")
    return 0
