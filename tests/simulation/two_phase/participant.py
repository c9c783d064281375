"""What does a process do with the orders of those whose transactions it has joined?

It keeps its parts in memory and carries out one order after the other for each. An order that comes
twice is carried out once. A process that has died knows nothing of the parts it had: it says so,
since a part begun anew would commit nothing where the old one had something to commit.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.two_phase import Phase, TwoPhaseSteps
from scalar_tx.errors import ScalarTxError
from scalar_tx.model.operations import Get, Scan
from scalar_tx.model.state import TransactionState
from tests.simulation.parts.messages import Receive
from tests.simulation.parts.scheduler import ask
from tests.simulation.two_phase.words import Join, Order, PartGoneError, Reply, Step

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Context
    from tests.simulation.parts.messages import Letter, Post
    from tests.simulation.parts.processes import Process
    from tests.simulation.two_phase.ends import Ends
    from tests.simulation.two_phase.words import What


class Participant:
    """Joins and serves.

    ``patience``: seconds after which a prepared part that hears nothing rolls back by itself; None:
    it waits for ever.
    """

    def __init__(
        self,
        address: str,
        process: Process,
        context: Context,
        post: Post,
        ends: Ends,
        *,
        patience: float | None,
    ) -> None:
        self.address = address
        self.process = process
        self.post = post
        self.patience = patience
        self.ends = ends
        self._context = context
        self._parts: dict[str, _Part] = {}

    async def live(self) -> None:
        """Listen for ever."""
        mailbox = self.post.open(self.address, self.process)
        while True:
            letter: Letter = await ask(Receive(mailbox))
            order = letter.content
            assert isinstance(order, Order)
            part = self._parts.get(order.tx_id)
            if part is None and isinstance(order.what, Join):
                part = self._join(order.tx_id, order.what)
            if part is None or order.life not in {"", self.process.name}:
                error = PartGoneError(f"{self.address} knows no part of {order.tx_id}")
                self.reply(letter.source, Reply(order.number, self.process.name, error=error))
            else:
                part.hear(letter.source, order)

    def reply(self, target: str, reply: Reply) -> None:
        """Answer whoever asked."""
        self.post.send(self.address, target, reply)

    def _join(self, tx_id: str, join: Join) -> _Part:
        steps = TwoPhaseSteps(
            self._context,
            join.isolation,
            read_only=join.read_only,
            caller_id=tx_id,
            joined=True,
        )
        self.ends.joined(steps, self.process)
        part = self._parts[tx_id] = _Part(self, steps)
        return part


class _Part:
    def __init__(self, participant: Participant, steps: TwoPhaseSteps) -> None:
        self._participant = participant
        self._steps = steps
        self._todo: deque[tuple[str, Order]] = deque()
        self._heard: dict[int, Reply | None] = {}
        self._is_busy = False
        self._orders = 0

    def hear(self, source: str, order: Order) -> None:
        """One more order; one that was carried out before is only answered again."""
        if order.number not in self._heard:
            self._heard[order.number] = None
            self._todo.append((source, order))
            self._go_on()
            return
        reply = self._heard[order.number]
        if reply is not None:
            self._participant.reply(source, reply)

    def _go_on(self) -> None:
        self._orders += 1
        if not self._is_busy:
            self._is_busy = True
            process = self._participant.process
            process.spawn(self._carry_out_all(), f"{process.name} {self._steps.id}")

    async def _carry_out_all(self) -> None:
        participant, steps = self._participant, self._steps
        while self._todo:
            source, order = self._todo.popleft()
            reply = await carried_out(
                steps, order.number, order.what, participant.process.name, participant.ends
            )
            self._heard[order.number] = reply
            if source:
                participant.reply(source, reply)
        self._is_busy = False
        if participant.patience is not None and _waits(steps):
            heard = self._orders
            participant.post.scheduler.call_later(
                participant.patience, lambda: self._lose_patience(heard)
            )

    def _lose_patience(self, heard: int) -> None:
        participant = self._participant
        if participant.process.alive and heard == self._orders and _waits(self._steps):
            self._todo.append(("", Order(self._steps.id, 0, participant.address, Step.ROLLBACK)))
            self._go_on()


def _waits(steps: TwoPhaseSteps) -> bool:
    return not steps.finished and steps.phase is not Phase.ACTIVE


async def carried_out(
    steps: TwoPhaseSteps, number: int, what: What, life: str, ends: Ends
) -> Reply:
    """Do what an order says with a part, and say how it went."""
    was_open = not steps.finished
    value: object = None
    error: ScalarTxError | None = None
    try:
        value = await _done(steps, what)
    except ScalarTxError as raised:
        error = raised
    if was_open and steps.finished:
        ends.ended(steps, what, error)
    # Before its prepare was tried a part only forgets: that keeps nobody from committing.
    aborted = steps.finished and steps.outcome is TransactionState.ABORTED
    dead = error is not None and aborted and steps.phase is not Phase.ACTIVE
    return Reply(number, life, value, error, dead)


async def _done(steps: TwoPhaseSteps, what: What) -> object:
    match what:
        case Join():
            return steps.id
        case Step.PREPARE:
            await steps.prepare()
        case Step.VALIDATE:
            await steps.validate()
        case Step.COMMIT:
            await steps.commit()
        case Step.ROLLBACK:
            await steps.rollback()
        case Get():
            return await steps.get(what)
        case Scan():
            return await steps.scan(what)
        case tuple():
            return await steps.batch(what)
        case _:
            await steps.mutate(what)
    return None
