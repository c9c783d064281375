"""How does a transaction of several parts come to its end?

Whoever has begun it has all parts prepare, then all validate, then all commit, each step only after
the one before has succeeded everywhere (Consensus Commit specification 7.1). Where one fails, all
are told to roll back; or they are not, since the process dies or does not care. By seed it goes
wrong in whatever way the interface promises to withstand: it skips the validation, or has those
commit that did not fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ConflictError, ScalarTxError, UnknownOutcomeError
from scalar_tx.model.isolation import Isolation
from tests.simulation.bank import TornSumError
from tests.simulation.history import WatchedTransaction
from tests.simulation.parts.scheduler import Sleep, ask
from tests.simulation.seats import LostGuestError
from tests.simulation.two_phase.words import PartGoneError, Step

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from tests.simulation.history import Attempt, Operations, Program
    from tests.simulation.parts.dice import Dice
    from tests.simulation.two_phase.orders import Orders
    from tests.simulation.two_phase.words import Reply

TORN: Final = (TornSumError, LostGuestError)
CRASHES: Final = ("", "after work", "after prepare", "after validate", "amid commit")


class ChangedMindError(ScalarTxError):
    """All was well, but its caller did not want it any more."""


@dataclass(frozen=True, slots=True)
class Whims:
    """What a seed has drawn for one transaction."""

    together: bool  # each order to all parts at once
    own_last: bool
    crash: str  # one of CRASHES
    gives_up_after: Step | None
    tells_others: bool  # to roll back
    validates: bool
    presses_on: bool  # although a part has failed

    @classmethod
    def draw(cls, dice: Dice, *, crashes: bool) -> Whims:
        """Draw them; mostly everything is as it should be."""
        return cls(
            together=not dice.chance(0.4),
            own_last=dice.chance(0.5),
            crash=dice.pick(CRASHES) if crashes and dice.chance(0.3) else "",
            gives_up_after=dice.pick((Step.PREPARE, Step.VALIDATE)) if dice.chance(0.06) else None,
            tells_others=not dice.chance(0.2),
            validates=not dice.chance(0.06),
            presses_on=dice.chance(0.4),
        )


class Course:
    """One transaction on its way."""

    def __init__(
        self,
        orders: Orders,
        operations: Operations,
        attempt: Attempt,
        whims: Whims,
        counts: Counter[str],
    ) -> None:
        self._orders = orders
        self._operations = operations
        self._attempt = attempt
        self._whims = whims
        self._counts = counts

    async def run(self, program: Program) -> None:
        """To its end; raises what its caller is told."""
        try:
            await self._orders.join()
            torn = await self._work(program)
            await self._maybe_crash("after work")
            await self._take(Step.PREPARE)
            await self._maybe_crash("after prepare")
            if torn is not None or self._validates():
                await self._take(Step.VALIDATE)
            if torn is not None:
                raise torn  # all parts have found their reads unchanged, so it was true
        except (ScalarTxError, *TORN):
            await self._roll_back(self._orders.parts)
            raise
        await self._maybe_crash("after validate")
        await self._commit()

    async def _work(self, program: Program) -> Exception | None:
        """What a program raises on what it has seen rests on what no part alone can confirm."""
        try:
            await program.body(WatchedTransaction(self._operations, self._attempt))
        except TORN as torn:
            return torn
        return None

    def _validates(self) -> bool:
        serializable = self._orders.steps.isolation is Isolation.SERIALIZABLE
        return self._whims.validates if serializable else self._whims.own_last

    async def _take(self, step: Step) -> None:
        """Have all parts take a step, or raise why one has not."""
        replies = await self._give(step)
        failed = {p: r for p, r in replies.items() if r is None or r.error is not None}
        if not failed:
            if self._whims.gives_up_after is step:
                raise ChangedMindError(f"all parts are {step.value}d, but this is not wanted")
            return
        errors = [reply.error for reply in failed.values() if reply is not None]
        conflict = any(isinstance(error, ConflictError) for error in errors)
        self._counts[f"a part failed to {step.value}"] += conflict
        certain = next((r.error for r in failed.values() if r is not None and r.dead), None)
        if certain is not None and self._whims.presses_on:
            await self._press_on(step, set(replies) - set(failed))
        if certain is None or isinstance(certain, UnknownOutcomeError):
            # A part may not know how it ended, but nobody was told to commit.
            raise PartGoneError(f"not all parts are {step.value}d") from next(iter(errors), None)
        raise certain

    async def _give(self, step: Step) -> dict[int, Reply | None]:
        """To all at once, or to one after the other until one fails."""
        orders, own_last = self._orders, self._whims.own_last
        if self._whims.together:
            return await orders.give(step, orders.parts, own_last=own_last)
        replies: dict[int, Reply | None] = {}
        for part in reversed(orders.parts) if own_last else orders.parts:
            replies.update(await orders.give(step, [part]))
            reply = replies[part]
            if reply is None or reply.error is not None:
                break
        return replies

    async def _press_on(self, step: Step, well: set[int]) -> None:
        """The part that failed has seen to it that nobody can commit: let the others try."""
        self._counts["pressed on"] += 1
        if step is Step.PREPARE:
            replies = await self._orders.give(Step.VALIDATE, well)
            well = {p for p, r in replies.items() if r is not None and r.error is None}
        await self._orders.give(Step.COMMIT, well)

    async def _commit(self) -> None:
        orders, whims = self._orders, self._whims
        if whims.crash == "amid commit":
            first = orders.parts[-1] if whims.own_last else orders.parts[0]
            await orders.give(Step.COMMIT, [first])
            await self._maybe_crash("amid commit")
        if not whims.together:
            replies = await self._give(Step.COMMIT)
        else:
            replies = await orders.give(Step.COMMIT, orders.parts, own_last=whims.own_last)
        answers = [reply for reply in replies.values() if reply is not None]
        if any(reply.error is None for reply in answers):
            # It is committed. The others must be told too, whatever became of the first tries.
            await orders.give(Step.COMMIT, set(orders.parts) - set(replies))
            return
        dead = next((reply.error for reply in answers if reply.dead), None)
        if dead is not None:
            await self._roll_back(orders.parts)
            raise dead
        if not whims.validates and orders.steps.isolation is Isolation.SERIALIZABLE:
            await self._roll_back(orders.parts)
            raise PartGoneError("no part commits what was not validated")
        if whims.gives_up_after is not None or not whims.tells_others:
            await self._roll_back(orders.parts)
        raise UnknownOutcomeError("no part knows what was decided", transaction_id=orders.steps.id)

    async def _roll_back(self, parts: Iterable[int]) -> None:
        own = 0
        await self._orders.give(Step.ROLLBACK, parts if self._whims.tells_others else [own])

    async def _maybe_crash(self, place: str) -> None:
        if self._whims.crash == place:
            self._counts[f"died {place}"] += 1
            process = self._orders.process
            process.scheduler.call_later(0, lambda: process.crash() if process.alive else None)
            await ask(Sleep(1000))  # by then it is dead
