"""How is a script run as one transaction, in one call?

It bears the id that its client chose. Where it meets a conflict and nothing was left under that id,
it is run again here; where something was, its client is told, and runs it again under another id:
an id is never used for what might be a second transaction. A repeat of a call whose decision is
known returns the decision.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.auth.permissions import check_operation
from scalar_tx.cluster.messages.isolation import state_message
from scalar_tx.cluster.messages.scripts import script_of
from scalar_tx.cluster.node_server.replies import put_result
from scalar_tx.cluster.node_server.transact import begun, check_alone
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.consensus_commit.transaction_id import check_callers_id
from scalar_tx.errors import ScalarTxError, UnknownOutcomeError
from scalar_tx.model.script import Requirement
from scalar_tx.model.state import TransactionState
from scalar_tx.observe.tracing import attempt_span
from scalar_tx.retry import Reruns, RetryPolicy
from scalar_tx.runs import RunCount
from scalar_tx.scripts import run_transaction

if TYPE_CHECKING:
    from scalar_tx.cluster.node_server.access import Caller
    from scalar_tx.cluster.node_server.worker_parts import WorkerParts
    from scalar_tx.model.script import Script


class Execute:
    """Serves ``Transactions.Execute``."""

    def __init__(self, worker: WorkerParts) -> None:
        self._worker = worker
        self._running: dict[str, asyncio.Event] = {}  # by id; each is set at its end

    async def serve(self, ask: rpc.ExecuteRequest, caller: Caller) -> rpc.ExecuteReply:
        """One script, run to its end."""
        tx_id = check_callers_id(ask.begin.transaction_id)
        script = script_of(ask.script)
        _check(script, caller)
        check_alone(ask.begin)
        known = await self._of_the_same_call(tx_id)
        if known is TransactionState.COMMITTED or (known is not None and ask.repeated):
            return _done_before(known, 0)
        ended = self._running[tx_id] = asyncio.Event()
        try:
            return await self._counted(ask, tx_id, script, caller)
        finally:
            ended.set()
            del self._running[tx_id]

    async def _of_the_same_call(self, tx_id: str) -> TransactionState | None:
        """What became of a call of that id that runs here; None: there is none, or nothing.

        Its client may have lost it, and repeats it while it runs.
        """
        while (running := self._running.get(tx_id)) is not None:
            await running.wait()
            if (known := await self._decided(tx_id)) is not None:
                return known
        return None

    async def _counted(
        self, ask: rpc.ExecuteRequest, tx_id: str, script: Script, caller: Caller
    ) -> rpc.ExecuteReply:
        # It is bounded by its own deadline; none of it waits for the client.
        with (
            self._worker.opened(tx_id, caller, lambda _: None) as session,
            session.busy(),
            RunCount(self._worker.ran) as run,
        ):
            return await self._run(ask, tx_id, script, caller, run)

    async def _run(
        self,
        ask: rpc.ExecuteRequest,
        tx_id: str,
        script: Script,
        caller: Caller,
        run: RunCount,
    ) -> rpc.ExecuteReply:
        if ask.repeated and (known := await self._decided(tx_id)) is not None:
            return _done_before(known, 0)
        began, attempts, steps = time.monotonic(), 0, None
        policy = RetryPolicy(deadline=self._worker.limits.script_seconds)
        reruns = Reruns(policy, random.random, time.monotonic)
        try:
            while True:
                attempts += 1
                # Whether the id was used before is asked before the first write, whatever the
                # client says of it: a message that is sent twice must not be done twice.
                steps = begun(self._worker, ask.begin, fresh=False)
                try:
                    reply = await self._once(steps, script, attempts)
                except ScalarTxError as error:
                    run.attempt_ended(error, steps.outcome)
                    unknown = isinstance(error, UnknownOutcomeError)
                    known = None if unknown else await self._decided(tx_id)
                    if known is TransactionState.COMMITTED:
                        steps = None  # it was counted when it was done
                        run.became_known(known)
                        return _done_before(known, attempts)
                    if known is not None or not error.retryable:
                        raise
                    pause = reruns.next_pause(error)
                    if pause is None:
                        raise
                else:
                    run.attempt_ended(None, steps.outcome)
                    return reply
                await asyncio.sleep(pause)
                _check(script, await self._worker.access.again(caller))
        finally:  # one id counts once, however many attempts it took
            if steps is not None:
                self._worker.count(steps, began)

    async def _decided(self, tx_id: str) -> TransactionState | None:
        database = self._worker.database
        state = await database.run(database.parts.state(tx_id))
        return None if state is TransactionState.UNKNOWN else state

    async def _once(self, steps: Any, script: Script, attempts: int) -> rpc.ExecuteReply:
        with attempt_span(steps, attempts):
            run = run_transaction(steps, script)
            results = await self._worker.database.run(run, whole=True)
        reply = rpc.ExecuteReply(outcome=state_message(steps.outcome), attempts=attempts)
        for one in results:
            put_result(reply.results.add(), one)
        return reply


def _check(script: Script, caller: Caller) -> None:
    for step in script.steps:
        if not isinstance(step.work, Requirement):
            check_operation(caller.principal, step.work, peer=caller.peer)


def _done_before(state: TransactionState, attempts: int) -> rpc.ExecuteReply:
    return rpc.ExecuteReply(outcome=state_message(state), done_before=True, attempts=attempts)
