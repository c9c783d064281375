"""Accounts whose total never changes.

A transfer reads two accounts, changes both and inserts a receipt, blindly. The receipt's key
belongs to the program, not to the attempt: however often a transfer is tried, it may take effect
once. An audit reads all accounts and raises if their sum is wrong: at SERIALIZABLE that exception
must never reach its caller.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Get
from scalar_tx.model.record import Record
from scalar_tx.model.state import TransactionState
from tests.simulation.history import Program
from tests.simulation.judgement import HALF, TOLD, TORN, TOTALS, VERSIONS, Wrong
from tests.simulation.workload import make_table, transactional, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from tests.simulation.history import Attempt, WatchedTransaction
    from tests.simulation.parts.dice import Dice
    from tests.simulation.world import World

ACCOUNTS: Final = transactional("bank.accounts", (("id", "INT"), ("balance", "INT")), "id")
RECEIPTS: Final = transactional(
    "bank.receipts",
    (("number", "INT"), ("payer", "INT"), ("payee", "INT"), ("amount", "INT")),
    "number",
)
FIRST_BALANCE: Final = 100


class TornSumError(Exception):
    """An audit saw a total that never was."""


class Bank:
    """The bank as a workload."""

    name = "bank"

    def __init__(self, dice: Dice) -> None:
        self._accounts = dice.between(2, 5)
        self._numbers = itertools.count(1)
        self._world: World | None = None

    @property
    def total(self) -> int:
        """What all accounts hold together."""
        return self._accounts * FIRST_BALANCE

    def tables(self) -> Sequence[Table]:
        """Accounts and receipts."""
        return (ACCOUNTS, RECEIPTS)

    def load(self, world: World) -> None:
        """Open the accounts."""
        self._world = world
        rows: list[Row] = [
            {"id": number, "balance": FIRST_BALANCE} for number in range(self._accounts)
        ]
        make_table(world, ACCOUNTS, rows)
        make_table(world, RECEIPTS, [])

    def program(self, dice: Dice) -> Program:
        """A transfer or an audit."""
        if dice.chance(0.6):
            return self._transfer(dice)
        way = dice.pick((self._balances_by_key, self._balances_by_scan, self._balances_at_once))

        async def audit(tx: WatchedTransaction) -> None:
            balances = await way(tx)
            if sum(balances.values()) != self.total:
                raise TornSumError(f"the accounts hold {balances}, not {self.total}")

        return Program("audit", audit, read_only=True)

    def _transfer(self, dice: Dice) -> Program:
        number = next(self._numbers)
        payer, payee = dice.two_of(self._accounts)
        amount = dice.between(1, 30)
        check_first = dice.chance(0.3)

        async def transfer(tx: WatchedTransaction) -> None:
            tx.attempt.notes["receipt"] = number
            if check_first and await tx.get(RECEIPTS.name, number=number) is not None:
                tx.attempt.notes["receipt"] = None
                return
            first = await tx.get(ACCOUNTS.name, id=payer)
            second = await tx.get(ACCOUNTS.name, id=payee)
            assert first is not None
            assert second is not None
            await tx.update(
                ACCOUNTS.name, {"id": payer}, {"balance": whole(first, "balance") - amount}
            )
            await tx.update(
                ACCOUNTS.name, {"id": payee}, {"balance": whole(second, "balance") + amount}
            )
            await tx.insert(RECEIPTS.name, number=number, payer=payer, payee=payee, amount=amount)

        return Program(f"transfer {number}", transfer, again_after_unknown=True)

    def lone_program(self, number: int) -> Program:
        """A deposit of nothing on every account; or a receipt that nobody managed to write."""
        free = self._receipt_never_written()
        if number and free is not None:

            async def insert_blindly(tx: WatchedTransaction) -> None:
                tx.attempt.notes["receipt"] = free
                await tx.insert(RECEIPTS.name, number=free, payer=0, payee=1, amount=0)

            return Program(f"transfer {free} of nothing", insert_blindly)

        async def touch(tx: WatchedTransaction) -> None:
            for account in range(self._accounts):
                found = await tx.get(ACCOUNTS.name, id=account)
                assert found is not None
                await tx.update(ACCOUNTS.name, {"id": account}, {"balance": found["balance"]})

        return Program(f"touch {number}", touch)

    def _receipt_never_written(self) -> int | None:
        """The least number whose record, if there is one, was left by a writer that failed."""
        world = self._world
        assert world is not None
        rows = world.rows(RECEIPTS)
        left = [key[0] for key, row in rows.items() if not world.decided(str(row["tx_id"]))]
        return min((int(str(number)) for number in left), default=None)

    async def look(self, tx: WatchedTransaction) -> object:
        """All balances and receipts."""
        balances = await self._balances_by_key(tx)
        receipts = sorted(tuple(record.values()) for record in await tx.scan_all(RECEIPTS.name))
        return balances, receipts

    async def _balances_by_key(self, tx: WatchedTransaction) -> dict[int, int]:
        found = {}
        for account in range(self._accounts):
            record = await tx.get(ACCOUNTS.name, id=account)
            assert record is not None
            found[account] = whole(record, "balance")
        return found

    async def _balances_by_scan(self, tx: WatchedTransaction) -> dict[int, int]:
        return {
            whole(record, "id"): whole(record, "balance")
            for record in await tx.scan_all(ACCOUNTS.name)
        }

    async def _balances_at_once(self, tx: WatchedTransaction) -> dict[int, int]:
        gets = [Get(ACCOUNTS.name, {"id": account}) for account in range(self._accounts)]
        found = await tx.steps.batch(gets)
        return {
            whole(record, "id"): whole(record, "balance")
            for record in found
            if isinstance(record, Record)
        }

    def judge(self, world: World, history: Sequence[Attempt]) -> list[Wrong]:
        """The total, the balances, the receipts, the versions, and who was told what."""
        wrong: list[Wrong] = []
        balances = {key[0]: row["balance"] for key, row in world.rows(ACCOUNTS).items()}
        expected = dict.fromkeys(range(self._accounts), FIRST_BALANCE)
        writers = dict.fromkeys(expected, 1)
        by_id = {attempt.id: attempt for attempt in history if attempt.id is not None}
        present: set[str | None] = set()
        for key, row in world.rows(RECEIPTS).items():
            writer = by_id.get(str(row["tx_id"]))
            if writer is None or writer.notes.get("receipt") != key[0]:
                text = f"receipt {key[0]!r} was written by {row['tx_id']!r}"
                wrong.append(Wrong(TOTALS, text))
                continue
            present.add(writer.id)
            payer, payee, amount = (whole(row, name) for name in ("payer", "payee", "amount"))
            expected[payer] -= amount
            expected[payee] += amount
            if amount:
                writers[payer] += 1
                writers[payee] += 1
        for attempt in history:
            wrong += self._misinformed(attempt, attempt.id in present)
            if attempt.notes.get("receipt") is not None and (
                world.decided(attempt.id) != (attempt.id in present)
            ):
                wrong.append(Wrong(HALF, f"decision and receipt disagree: {attempt}"))
            if attempt.program.startswith("touch") and world.decided(attempt.id):
                writers = {account: count + 1 for account, count in writers.items()}
        if balances != expected:
            text = f"the accounts hold {balances}; by the receipts {expected}"
            wrong.append(Wrong(TOTALS, text))
        if sum(expected.values()) != self.total:
            text = f"the total is {sum(expected.values())}, not {self.total}"
            wrong.append(Wrong(TOTALS, text))
        versions = {key[0]: row["tx_version"] for key, row in world.rows(ACCOUNTS).items()}
        if versions != writers:
            text = f"the versions are {versions}, by the committed writers {writers}"
            wrong.append(Wrong(VERSIONS, text))
        return wrong

    def _misinformed(self, attempt: Attempt, is_present: bool) -> list[Wrong]:
        if isinstance(attempt.error, TornSumError) and attempt.isolation is Isolation.SERIALIZABLE:
            return [Wrong(TORN, f"torn sum handed on: {attempt}: {attempt.error}")]
        if not attempt.program.startswith("transfer"):
            return []
        if attempt.told is TransactionState.ABORTED and is_present:
            return [Wrong(TOLD, f"reported failed, but present: {attempt}")]
        if (
            attempt.told is TransactionState.COMMITTED
            and attempt.notes["receipt"] is not None
            and not is_present
        ):
            return [Wrong(TOLD, f"acknowledged, but lost: {attempt}")]
        return []
