"""The tour, step by step: each tells what it does, does it, and shows what came of it."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any, Final

from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

import scalar_tx
from scalar_tx.cli.demo import namespaces
from scalar_tx.cli.demo.bank import ACCOUNTS, OPENING_BALANCE, TRANSFER
from scalar_tx.cli.demo.closing import next_steps, sum_of, whereabouts
from scalar_tx.cli.demo.crew import Crew
from scalar_tx.cli.demo.job import Event
from scalar_tx.cli.demo.verdict import Verdict, broken_promises
from scalar_tx.cli.demo.waiting import wait
from scalar_tx.cli.opening import opened, run
from scalar_tx.cli.raw_rows import next_unsettled, transactional_tables, unsettled_rows
from scalar_tx.cli.record_view import situation_lines
from scalar_tx.consensus_commit.recover import LIFETIME_MS
from scalar_tx.errors import ConflictError, ScalarTxError
from scalar_tx.record_situation import look_at

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from scalar_tx.cli.demo.bank import Order
    from scalar_tx.cli.demo.place import Place
    from scalar_tx.connection import Parts
    from scalar_tx.manager import TransactionManager
    from scalar_tx.record_situation import Situation

_INDENT: Final = (0, 0, 0, 2)
# The others end this long before the dead process's time is over: the tour itself recovers.
_ENDS_BEFORE_EXPIRY_S: Final = 2.5
_ENDING_S: Final = 10.0
_FIRST: Final[Order] = ("first", 1, 2, 100)


class Tour:
    """One tour through a database in a fresh place."""

    def __init__(self, screen: Console, place: Place, *, processes: int, seconds: float) -> None:
        self._screen = screen
        self._place = place
        self._bank = place.bank
        # Processes that load drivers and connect to servers take their time to begin.
        self._longest_start = 60.0 if place.bank.storages else 15.0
        self._processes = processes
        self._seconds = seconds
        self._step = 0
        self._broken: list[str] = []
        self._left = 0
        self._recovered = 0
        self._parts: Parts  # for looking at rows as they lie

    def run(self) -> Verdict:
        """Take the tour; what came of it. ScalarTxError if it can't be finished."""
        with scalar_tx.connect(self._place.target) as db:
            try:
                verdict = self._in(db)
            finally:
                if not self._place.own and not self._place.keep:
                    self._bank.remove(db)
        self._screen.print()
        return verdict

    def _in(self, db: TransactionManager) -> Verdict:
        self._make_database(db)
        self._show_one_transfer(db)
        crew = Crew(self._place, size=self._processes, dies_after=self._seconds)
        with opened(self._place.target) as self._parts:
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
        if self._bank.storages:
            self._make_on_servers(db)
        else:
            self._make_embedded(db)
        total = ACCOUNTS * OPENING_BALANCE
        self._say(Text(f"A bank of {ACCOUNTS} accounts with {OPENING_BALANCE:,} each: {total:,}."))

    def _make_embedded(self, db: TransactionManager) -> None:
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
        self._bank.make(db)

    def _make_on_servers(self, db: TransactionManager) -> None:
        count = len(self._bank.storages)
        self._title("A bank in one database" if count == 1 else f"A bank in {count} databases")
        first = self._bank.storages[0]
        db.admin.create_coordinator_tables(if_not_exists=True)
        self._bank.make(db)
        if self._bank.spread:
            self._say(Text("Accounts are dealt out in turn, one to each database:"))
            with opened(self._place.target) as parts:
                self._say(whereabouts(parts, self._bank))
            self._say(Text(f"What is decided about transactions is written in {first}."))

    def _show_one_transfer(self, db: TransactionManager) -> None:
        self._title("One transaction")
        source = inspect.getsource(self._bank.transfer).rstrip()
        code = f"{source}\n\n{self._call()}"
        self._say(
            Syntax(code, "python", theme="ansi_dark", background_color="default", word_wrap=True)
        )
        db.run(self._bank.pay, _FIRST)
        _, payer, payee, _ = _FIRST
        self._say(
            Text(
                f"Done: account {payer} has {self._balance(db, payer):,}, "
                f"account {payee} has {self._balance(db, payee):,}. All of it or nothing."
            )
        )

    def _call(self) -> str:
        """The first transfer, as code."""
        if not self._bank.spread:
            return f"db.run(pay, {_as_code(*_FIRST)})"
        name, payer, payee, amount = self._bank.arguments(_FIRST)
        return (
            f"payer = {_as_code(payer)}\npayee = {_as_code(payee)}\n"
            f"db.run(move, {_as_code(name)}, payer, payee, {amount})"
        )

    def _balance(self, db: TransactionManager, number: int) -> Any:
        record = db.get(self._bank.account(number), {"id": number})
        return 0 if record is None else record["balance"]

    def _work_at_once(self, crew: Crew) -> dict[str, Any]:
        over = " and ".join(self._bank.storages) or "one file"
        self._title(f"{self._processes} processes at once, on {over}")
        self._say(
            Text(
                "Each makes transfers between random accounts, serializable, and notes every one "
                "that was acknowledged. Who loses to another one begins again by itself."
            )
        )
        wait(
            self._screen,
            "transfers",
            self._seconds + self._longest_start,
            until=lambda: self._heard_of_halt(crew),
            shown_seconds=self._seconds,
            note=lambda: _counts(crew),
        )
        if crew.halted is None:
            raise ScalarTxError(
                f"no process came to its commit in {self._seconds + self._longest_start:g} s",
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
        situation = self._situation(halted)
        self._say(*situation_lines(situation))
        left = self._left_by(halted["transaction"])
        self._left = sum(left.values())
        if self._bank.spread:
            self._screen.print()
            told = "; ".join(f"{count} in {table}" for table, count in left.items())
            self._say(Text(f"In all it leaves {self._left} such records: {told}."))
        if not situation.unsettled or situation.previous is None:
            self._broken.append("the killed process left no record with both images")

    def _meet(self, db: TransactionManager, halted: dict[str, Any]) -> None:
        self._screen.print()
        self._say(Text("Whoever wants that account now is told so, and nothing is guessed:"))
        try:
            db.run(self._bank.pay, ("too-early", halted["source"], halted["target"], 1), retry=0)
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

    def _situation(self, halted: dict[str, Any]) -> Situation:
        """The paying account of the killed process, as it lies in its table."""
        number = halted["source"]
        table = run(self._parts.context.catalog.table(self._bank.account(number)))
        return run(look_at(self._parts, table, (number,)))

    def _time_left(self, halted: dict[str, Any]) -> float:
        situation = self._situation(halted)
        return max(0.0, situation.expires_in_ms / 1000) if situation.unsettled else 0.0

    def _recover(self, db: TransactionManager, halted: dict[str, Any]) -> None:
        self._title("Recovery is reading")
        number, other = halted["source"], halted["target"]
        here, there = self._balance(db, number), self._balance(db, other)
        self._say(
            Text(
                f"Its time is over. db.get says: account {number} has {here:,} and account {other} "
                f"has {there:,}, as if the transfer had never been begun."
            )
        )
        entry = db.get(TRANSFER, {"id": halted["reference"]})
        state = db.state(halted["transaction"])
        # Records are rolled back behind the reader's back: a moment later they are.
        deadline = time.monotonic() + _ENDING_S
        while (after := self._count_left_by(halted["transaction"])) and time.monotonic() < deadline:
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

    def _left_by(self, writer: str) -> dict[str, int]:
        """How many unsettled records of a transaction lie in which table."""
        left: dict[str, int] = {}
        names = [*self._bank.accounts, TRANSFER]
        for table in run(transactional_tables(self._parts, names)):
            pages = unsettled_rows(self._parts, table)
            while (rows := run(next_unsettled(pages))) is not None:
                if count := sum(row["tx_id"] == writer for row in rows):
                    left[table.name] = left.get(table.name, 0) + count
        return left

    def _count_left_by(self, writer: str) -> int:
        return sum(self._left_by(writer).values())

    def _judge(self, db: TransactionManager, crew: Crew, halted: dict[str, Any]) -> Verdict:
        balances, ledger = self._bank.read(db)
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
        self._say(sum_of(verdict, self._bank))
        if self._bank.spread:
            self._screen.print()
            self._say(whereabouts(self._parts, self._bank))
        for promise in verdict.broken:
            self._say(Text(f"BROKEN: {promise}", style="bold red"))
        if verdict.kept:
            self._say(Text("The total is exact. Nothing was lost.", style="bold green"))
            self._title("Next")
            self._say(next_steps(self._place))


def _counts(crew: Crew) -> str:
    return f"{len(crew.acknowledged):,} committed, {crew.reruns:,} reruns"


def _as_code(*arguments: object) -> str:
    return ", ".join(map(repr, arguments)).replace("'", '"')
