"""How does ``scalar-tx coordinator clean`` go about it, and when does it refuse?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cli.durations import milliseconds
from scalar_tx.cli.opening import run
from scalar_tx.cli.output import console, print_json, shown_duration
from scalar_tx.consensus_commit.clean import Cleaned, Cleaning
from scalar_tx.consensus_commit.clean import clean as clean_up
from scalar_tx.consensus_commit.older_release import ENOUGH, traces_of_older_releases
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from scalar_tx.connection import Parts

# Somebody may still ask what became of a transaction, or hold a record that it has left.
YOUNGEST_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    older_than_ms: int
    dry_run: bool
    rate: float | None
    after: str | None

    @classmethod
    def checked(
        cls,
        *,
        older_than: str,
        allow_young: bool,
        no_older_java: bool,
        dry_run: bool,
        rate: float | None,
        after: str | None,
    ) -> Wanted:
        """InvalidOperationError if it is unsafe, or makes no sense."""
        age = milliseconds(older_than, "--older-than")
        if age < YOUNGEST_MS and not allow_young:
            raise InvalidOperationError(
                f"--older-than {older_than} reaches decisions of the last 24 hours, which somebody "
                "may still ask for",
                advice="Give at least 24h, or say --allow-young where nobody calls settle() for "
                "transactions that are older",
                code="STX-3056",
            )
        if rate is not None and not rate > 0:
            raise InvalidOperationError(
                f"--rate {rate:g} would never remove anything",
                advice="Give a number of rows a second, or leave it out",
                code="STX-3013",
            )
        if not no_older_java and not dry_run:
            raise InvalidOperationError(
                "a ScalarDB before 3.19 takes a removed decision for an abort and would show old "
                "values, and nobody can tell from the tables whether one reads them",
                advice="If every program on these tables is this library or ScalarDB 3.19, say so: "
                "--no-older-java. Otherwise leave the decisions where they are",
                code="STX-3056",
            )
        return cls(age, dry_run, rate, after)


@dataclass(frozen=True, slots=True)
class Found:
    """What has come of it. ``ended`` False: it was stopped before the end."""

    table: str
    wanted: Wanted
    cleaned: Cleaned
    ended: bool

    @property
    def whole(self) -> bool:
        """Is everything done that was to be done?"""
        return self.ended and not self.cleaned.failed


def cleaned(parts: Parts, wanted: Wanted) -> Found:
    """Clean up, or see what a clean-up would do."""
    from scalar_tx.cli.progress import progress

    before = parts.runtime.now_ms() - wanted.older_than_ms
    if not run(parts.administration.coordinator_tables_exist()):
        return Found(parts.coordinator.name, wanted, Cleaned(), ended=True)
    if not wanted.dry_run:
        refuse_older_releases(parts, before)
    cleaning = Cleaning(
        parts.context,
        parts.coordinator,
        decided_before=before,
        rate=wanted.rate,
        after=wanted.after,
        only_look=wanted.dry_run,
    )
    ended = False
    with progress() as bar:
        task = bar.add_task(parts.coordinator.name, total=None)

        async def shown() -> bool:
            bar.update(task, completed=cleaning.done.looked_at)
            return True

        # Asked to stop: what is done is done, and the result says where to go on.
        with suppress(KeyboardInterrupt):
            run(clean_up(cleaning, shown))
            ended = True
    return Found(parts.coordinator.name, wanted, cleaning.done, ended)


def traces(parts: Parts, since_ms: int) -> set[str]:
    """Transactions that a release before 3.19 has finished since then, as far as can be told."""
    from scalar_tx.cli.raw_rows import transactional_tables

    found: set[str] = set()
    for table in run(transactional_tables(parts)):
        found |= run(traces_of_older_releases(parts.context, table, since_ms=since_ms))
    return found


def refuse_older_releases(parts: Parts, since_ms: int) -> None:
    """InvalidOperationError if such a release was at work since then."""
    found = sorted(traces(parts, since_ms))
    if len(found) < ENOUGH:
        return
    age = shown_duration(parts.runtime.now_ms() - since_ms)
    raise InvalidOperationError(
        f"a ScalarDB before 3.19 has written these tables within the last {age}: it has finished "
        f"{', '.join(found[:ENOUGH])} at another time than that of their decision",
        advice="Remove nothing while it runs; once every program is newer, wait as long as "
        "--older-than says and run this again",
        code="STX-3057",
    )


def _as_data(found: Found) -> dict[str, Any]:
    done = found.cleaned
    return {
        "table": found.table,
        "dry_run": found.wanted.dry_run,
        "older_than_ms": found.wanted.older_than_ms,
        "looked_at": done.looked_at,
        "removed": done.removed,
        "without_write_set": done.untold,
        "failed": done.failed,
        "problems": done.problems,
        "ended": found.ended,
        "after": None if found.ended else done.after,
    }


def print_cleaned(found: Found, *, json: bool) -> None:
    """Print what has come of it, and what to do next."""
    if json:
        print_json(_as_data(found))
        return
    done = found.cleaned
    screen = console()

    def say(text: str) -> None:
        screen.print(text, markup=False, soft_wrap=True)

    age = shown_duration(found.wanted.older_than_ms)
    removed = "would be removed" if found.wanted.dry_run else "removed"
    say(f"{found.table}: {_rows(done.removed)} older than {age} {removed}.")
    if done.untold:
        say(
            f"{_rows(done.untold)} left: without a write set nobody knows which records they are "
            "needed for."
        )
    for problem in done.problems:
        say(f"left: {problem}")
    if done.failed > len(done.problems):
        say(f"and {done.failed - len(done.problems):,} more")
    if done.failed:
        say("What to do about those: see that the tables named can be read, and run this again.")
    if not found.ended and done.after is not None:
        say(f"Stopped. What to do next: run this again, with --after {done.after} to go on there.")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
