"""The tour, step by step: each tells what it does, does it, and shows what came of it."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

import scalar_tx
from scalar_tx.cli.demo import namespaces
from scalar_tx.cli.demo.bank import (
    ACCOUNT,
    ACCOUNTS,
    OPENING_BALANCE,
    PATIENCE_S,
    TRANSFER,
    make_bank,
    pay,
)
from scalar_tx.cli.demo.crew import Crew
from scalar_tx.cli.demo.job import Event
from scalar_tx.cli.demo.verdict import Verdict, broken_promises
from scalar_tx.cli.demo.waiting import wait
from scalar_tx.cli.opening import opened, run
from scalar_tx.cli.output import command_line
from scalar_tx.cli.raw_rows import next_unsettled, transactional_tables, unsettled_rows
from scalar_tx.cli.record_view import situation_lines
from scalar_tx.cli.situation import look_at
from scalar_tx.consensus_commit.recover import LIFETIME_MS
from scalar_tx.errors import ConflictError, ScalarTxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from scalar_tx.cli.demo.place import Place
    from scalar_tx.manager import TransactionManager

_INDENT: Final = (0, 0, 0, 2)
# The others end this long before the dead process's time is over: the tour itself recovers.
_ENDS_BEFORE_EXPIRY_S: Final = 2.5
_LONGEST_START_S: Final = 15.0
_ENDING_S: Final = 10.0
_FIRST: Final = ("first", 1, 2, 100)
_FIRST_SHOWN: Final = '"first", 1, 2, 100'


class Tour:
    """One tour through a database in a fresh place."""

    def __init__(self, screen: Console, place: Place, *, processes: int, seconds: float) -> None:
        self._screen = screen
        self._place = place
        self._processes = processes
        self._seconds = seconds
        self._step = 0
        self._broken: list[str] = []
        self._left = 0
        self._recovered = 0

    def run(self) -> Verdict:
        """Take the tour; what came of it. ScalarTxError if it can't be finished."""
        with scalar_tx.connect(self._place.target) as db:
            self._make_database(db)
            self._show_one_transfer(db)
            crew = Crew(
                self._place.folder,
                self._place.target,
                size=self._processes,
                dies_after=self._seconds,
            )
            with crew:
                halted = self._work_at_once(crew)
                self._kill(crew, halted)
                self._meet(db, halted)
                self._outlast(crew, halted)
            self._recover(db, halted)
            verdict = self._judge(db, crew, halted)
        self._sum_up(verdict)
        return verdict

    # What is printed.

    def _title(self, text: str) -> None:
        self._step += 1
        self._screen.print()
        self._screen.print(Rule(Text(f" {self._step}  {text} ", style="bold"), align="left"))

    def _say(self, *lines: RenderableType) -> None:
        for line in lines:
            self._screen.print(Padding(line, _INDENT))

    # The steps.

    def _make_database(self, db: TransactionManager) -> None:
        self._title("A database")
        stays = "is kept" if self._place.keep else "goes when the tour is over, unless --keep"
        self._say(Text(f"An embedded SQLite file; it {stays}:"))
        self._say(Text(self._place.target, style="cyan", overflow="fold"))
        files = namespaces.schema_files()
        if files:
            namespaces.load(files, self._place.target)
            names = ", ".join(path.stem for path in files)
            self._say(Text(f"The schema loader has made the tables of namespaces/: {names}."))
        else:
            self._say(Text("No namespaces/ beside the library, so its tables are left out."))
        make_bank(db)
        total = ACCOUNTS * OPENING_BALANCE
        self._say(Text(f"A bank of {ACCOUNTS} accounts with {OPENING_BALANCE:,} each: {total:,}."))

    def _show_one_transfer(self, db: TransactionManager) -> None:
        self._title("One transaction")
        source = inspect.getsource(pay).rstrip()
        code = f"{source}\n\ndb.run(pay, {_FIRST_SHOWN})"
        self._say(
            Syntax(code, "python", theme="ansi_dark", background_color="default", word_wrap=True)
        )
        db.run(pay, *_FIRST)
        _, payer, payee, _ = _FIRST
        self._say(
            Text(
                f"Done: account {payer} has {_balance(db, payer):,}, "
                f"account {payee} has {_balance(db, payee):,}. All of it or nothing."
            )
        )

    def _work_at_once(self, crew: Crew) -> dict[str, Any]:
        self._title(f"{self._processes} processes at once, on one file")
        self._say(
            Text(
                "Each makes transfers between random accounts, serializable, and notes every one "
                "that was acknowledged. Who loses to another one begins again by itself."
            )
        )
        wait(
            self._screen,
            "transfers",
            self._seconds + _LONGEST_START_S,
            until=lambda: self._heard_of_halt(crew),
            shown_seconds=self._seconds,
            note=lambda: _counts(crew),
        )
        if crew.halted is None:
            raise ScalarTxError(
                f"no process came to its commit in {self._seconds + _LONGEST_START_S:g} s",
                advice="The machine may be overloaded: run the tour again, with fewer --processes",
            )
        self._say(Text(f"So far {_counts(crew)}."))
        return crew.halted

    def _heard_of_halt(self, crew: Crew) -> bool:
        crew.listen()
        problems = crew.died_by_themselves
        if problems:
            raise ScalarTxError(
                problems[0], advice=f"Look into {self._place.folder / 'errors.log'} with --keep"
            )
        return crew.halted is not None

    def _kill(self, crew: Crew, halted: dict[str, Any]) -> None:
        self._title("kill -9 in mid-commit")
        number = crew.kill_halted()
        self._say(
            Text.assemble(
                f"Process {number} had prepared its records and not yet decided. ",
                (f"kill -9 {number}", "bold red"),
                ". This is what it leaves of the paying account:",
            ),
            "",
        )
        with opened(self._place.target) as parts:
            table = run(parts.context.catalog.table(ACCOUNT))
            situation = run(look_at(parts, table, (halted["source"],)))
        self._say(*situation_lines(situation))
        self._left = self._unsettled_by(halted["transaction"])
        if not situation.unsettled or situation.previous is None:
            self._broken.append("the killed process left no record with both images")

    def _meet(self, db: TransactionManager, halted: dict[str, Any]) -> None:
        self._screen.print()
        self._say(Text("Whoever wants that account now is told so, and nothing is guessed:"))
        try:
            db.run(pay, "too-early", halted["source"], halted["target"], 1, retry=0)
        except ConflictError as error:
            again = "" if error.retry_after is None else f" Settled in {error.retry_after:.1f} s."
            self._say(Text(f"ConflictError: {error.message}.{again}", style="yellow"))
        else:
            self._broken.append("a transfer went through over undecided records")

    def _outlast(self, crew: Crew, halted: dict[str, Any]) -> None:
        left = self._time_left(halted)
        before = len(crew.acknowledged)
        self._title(f"Is it dead, or only slow? A writer has {LIFETIME_MS // 1000} seconds")
        self._say(
            Text(
                "Nobody can know, so its records are left alone until its time is over. "
                "The others go on meanwhile."
            )
        )
        working = max(0.0, left - _ENDS_BEFORE_EXPIRY_S)
        problems: list[str] = []

        def others() -> bool:
            crew.listen()
            return False

        reason = f"waiting: its time is over in {left:.0f} s"
        wait(self._screen, reason, working, until=others, note=lambda: _counts(crew))
        problems = crew.end(_ENDING_S)
        wait(self._screen, "waiting: its time is nearly over", self._time_left(halted) + 0.05)
        self._broken += problems
        made = len(crew.acknowledged) - before
        self._say(Text(f"The others made {made:,} transfers in the meantime."))
        if made == 0:
            self._broken.append("the other processes made no transfer while one was dead")

    def _time_left(self, halted: dict[str, Any]) -> float:
        with opened(self._place.target) as parts:
            table = run(parts.context.catalog.table(ACCOUNT))
            situation = run(look_at(parts, table, (halted["source"],)))
        return max(0.0, situation.expires_in_ms / 1000) if situation.unsettled else 0.0

    def _recover(self, db: TransactionManager, halted: dict[str, Any]) -> None:
        self._title("Recovery is reading")
        number, other = halted["source"], halted["target"]
        self._say(
            Text(
                f"Its time is over. db.get says: account {number} has {_balance(db, number):,} and "
                f"account {other} has {_balance(db, other):,}, as if the transfer had never been "
                "begun."
            )
        )
        entry = db.get(TRANSFER, {"id": halted["reference"]})
        state = db.state(halted["transaction"])
        # Records are rolled back behind the reader's back: a moment later they are.
        deadline = time.monotonic() + _ENDING_S
        while (after := self._unsettled_by(halted["transaction"])) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._recovered = self._left - after
        self._say(
            Text(
                f"The dead process's transaction is {state.value}, for everybody and for good. Of "
                f"the {self._left} records it had left {self._recovered} are settled."
            )
        )
        if state is not scalar_tx.TransactionState.ABORTED:
            self._broken.append(f"the killed transaction is {state.value} and not ABORTED")
        if entry is not None or self._left == 0 or after:
            self._broken.append("the killed transaction was not undone as a whole")

    def _unsettled_by(self, writer: str) -> int:
        count = 0
        with opened(self._place.target) as parts:
            for table in run(transactional_tables(parts, [ACCOUNT, TRANSFER])):
                pages = unsettled_rows(parts, table)
                while (rows := run(next_unsettled(pages))) is not None:
                    count += sum(row["tx_id"] == writer for row in rows)
        return count

    def _judge(self, db: TransactionManager, crew: Crew, halted: dict[str, Any]) -> Verdict:
        with db.transaction(read_only=True) as tx:
            accounts: Sequence[Any] = tx.scan(ACCOUNT, whole_table=True)
            ledger: Sequence[Any] = tx.scan(TRANSFER, whole_table=True)
        balances = {row["id"]: row["balance"] for row in accounts}
        acknowledged = [_FIRST[0], *crew.acknowledged]
        events = crew.events
        return Verdict(
            processes=self._processes,
            attempted=events[Event.BEGUN] + 1,
            committed=len(acknowledged),
            retried=crew.reruns,
            given_up=events[Event.GIVEN_UP],
            failed=events[Event.FAILED],
            killed=1,
            recovered=self._recovered,
            total_expected=ACCOUNTS * OPENING_BALANCE,
            total_found=sum(balances.values()),
            broken=[
                *self._broken,
                *broken_promises(balances, ledger, acknowledged, halted["reference"], crew.unsure),
            ],
        )

    def _sum_up(self, verdict: Verdict) -> None:
        self._title("The sum")
        figures = Table.grid(padding=(0, 2))
        figures.add_column(justify="right", style="bold")
        figures.add_column()
        for number, text in (
            (verdict.attempted, f"transfers attempted, in {verdict.processes} processes"),
            (verdict.committed, "committed, as their processes were told"),
            (verdict.retried, "reruns after a conflict, made by the library"),
            (verdict.given_up, f"given up after {PATIENCE_S:g} s of conflicts"),
            (verdict.failed, "failed"),
            (verdict.killed, "killed in mid-commit"),
            (verdict.recovered, "records recovered"),
            (verdict.total_found, f"in all accounts, expected {verdict.total_expected:,}"),
        ):
            if number or text != "failed":
                figures.add_row(f"{number:,}", text)
        self._say(figures)
        if not verdict.kept:
            for promise in verdict.broken:
                self._say(Text(f"BROKEN: {promise}", style="bold red"))
            return
        self._say(Text("The total is exact. Nothing was lost.", style="bold green"))
        self._next_steps()

    def _next_steps(self) -> None:
        self._title("Next")
        command = command_line()
        if self._place.keep:
            first = f"{command} inspect {ACCOUNT} id=1 --config {self._place.target}"
            second = f"{command} check-data --config {self._place.target}"
        else:
            first = f"{command} demo --keep"
            second = f"{command} doctor"
        steps = Table.grid(padding=(0, 2))
        steps.add_column(style="dim", no_wrap=True)
        steps.add_column(overflow="fold")
        for what, how in (
            ("look into this bank", first),
            ("check a database", second),
            ("write your own", 'db = scalar_tx.connect("sqlite:///shop.db"), as README.md shows'),
        ):
            steps.add_row(what, Text(how, style="cyan"))
        self._say(steps)
        self._screen.print()


def _balance(db: TransactionManager, number: int) -> Any:
    record = db.get(ACCOUNT, {"id": number})
    return 0 if record is None else record["balance"]


def _counts(crew: Crew) -> str:
    return f"{len(crew.acknowledged):,} committed, {crew.reruns:,} reruns"
