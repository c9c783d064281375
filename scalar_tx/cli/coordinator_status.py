"""What is in the table of decisions?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cli.coordinator_clean import YOUNGEST_MS, traces
from scalar_tx.cli.opening import run
from scalar_tx.cli.output import console, print_json, shown_duration, shown_time
from scalar_tx.cli.raw_rows import all_rows
from scalar_tx.consensus_commit.decision_row import WRITE_SET, members, stored_decision
from scalar_tx.consensus_commit.finish import can_be_finished
from scalar_tx.consensus_commit.older_release import ENOUGH
from scalar_tx.errors import SchemaError
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.connection import Parts
    from scalar_tx.model.types import Row

_DAY_MS: Final = 24 * 3_600_000


@dataclass(slots=True)
class Status:
    """What was found. Times in epoch milliseconds, None: there is no row.

    ``bytes``: of the rows' values, without what the storage adds. ``removable``: what a clean-up
    would remove now. ``older_releases``: transactions of the last day that a ScalarDB before 3.19
    has finished, of those that were looked at.
    """

    table: str
    exists: bool = True
    keeps_write_sets: bool = False
    rows: int = 0
    committed: int = 0
    aborted: int = 0
    damaged: int = 0
    groups: int = 0
    with_write_set: int = 0
    without_write_set: int = 0
    removable: int = 0
    last_day: int = 0
    bytes: int = 0
    oldest_ms: int | None = None
    newest_ms: int | None = None
    older_releases: int = 0

    def add(self, row: Row, now_ms: int) -> None:
        """Count one row."""
        self.rows += 1
        self.bytes += sum(_size(value) for value in row.values())
        self.groups += bool(members(row))
        self.with_write_set += row.get(WRITE_SET) is not None
        self.without_write_set += row.get(WRITE_SET) is None
        try:
            found = stored_decision(row)
        except SchemaError:
            self.damaged += 1
            return
        self.committed += found.decision.state is TransactionState.COMMITTED
        self.aborted += found.decision.state is TransactionState.ABORTED
        at = found.decision.decided_at
        self.oldest_ms = at if self.oldest_ms is None else min(self.oldest_ms, at)
        self.newest_ms = at if self.newest_ms is None else max(self.newest_ms, at)
        self.last_day += at >= now_ms - _DAY_MS
        self.removable += at < now_ms - YOUNGEST_MS and can_be_finished(found)


def _size(value: object) -> int:
    match value:
        case None:
            return 0
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case _:
            return 8


def status_of(parts: Parts) -> Status:
    """Read the whole table."""
    from scalar_tx.cli.progress import progress

    found = Status(parts.coordinator.name)
    found.exists = run(parts.administration.coordinator_tables_exist())
    if not found.exists:
        return found
    now = parts.runtime.now_ms()
    with progress() as bar:
        task = bar.add_task(found.table, total=None)
        run(_count(parts, found, now, lambda: bar.update(task, completed=found.rows)))
    found.older_releases = len(traces(parts, now - _DAY_MS))
    return found


async def _count(parts: Parts, found: Status, now_ms: int, tell: Callable[[], None]) -> None:
    table = await parts.coordinator.table()
    found.keeps_write_sets = WRITE_SET in table.schema.columns
    pages = all_rows(parts, table)
    while (page := await pages.next_page()) is not None:
        for row in page:
            found.add(row, now_ms)
        tell()


def _as_data(found: Status) -> dict[str, Any]:
    return {**asdict(found), "older_release_at_work": found.older_releases >= ENOUGH}


def print_status(found: Status, *, json: bool) -> None:
    """Print what was found, and what to do about it."""
    if json:
        print_json(_as_data(found))
        return
    screen = console()

    def say(text: str) -> None:
        screen.print(text, markup=False, soft_wrap=True)

    if not found.exists:
        say(f"{found.table} is not there yet; the first commit needs it.")
        return
    if found.oldest_ms is None or found.newest_ms is None:
        say(f"{found.table}: {found.rows:,} rows")
    else:
        age = shown_duration(found.newest_ms - found.oldest_ms)
        say(f"{found.table}: {found.rows:,} rows of {found.bytes:,} bytes, made within {age}")
        say(f"  oldest {shown_time(found.oldest_ms)}, newest {shown_time(found.newest_ms)}")
    say(f"  {found.committed:,} COMMITTED, {found.aborted:,} ABORTED, {found.groups:,} of groups")
    say(f"  {found.last_day:,} of the last 24 hours")
    say(
        f"  {found.with_write_set:,} tell what was written, {found.without_write_set:,} do not and "
        "stay for ever"
    )
    say(f"  {found.removable:,} could be removed now: scalar-tx coordinator clean")
    if found.damaged:
        say(f"  {found.damaged:,} are damaged: scalar-tx check-data names them")
    if found.older_releases >= ENOUGH:
        say(
            "  A ScalarDB before 3.19 was at work within the last 24 hours: remove nothing while "
            "it is."
        )
    else:
        say(
            "  No trace of a ScalarDB before 3.19 in the last 24 hours, of which one that only "
            "reads leaves none."
        )
    if not found.keeps_write_sets:
        say(
            "What to do, if the table grows too large: set "
            "scalar.db.consensus_commit.coordinator.write_set_logging.enabled=true, add the column "
            "with scalar-tx schema repair --coordinator, restart the programs."
        )
