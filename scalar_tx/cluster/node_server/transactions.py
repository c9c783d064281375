"""How are the calls served that are about whole transactions?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from scalar_tx.cluster.auth.permissions import (
    check_operation,
    check_superuser,
    check_table,
    check_writer,
)
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.security_log import Caller as By
from scalar_tx.cluster.auth.security_log import Event, tell
from scalar_tx.cluster.gate import GateClosedError
from scalar_tx.cluster.messages.isolation import state_message
from scalar_tx.cluster.messages.operations import scan_of
from scalar_tx.cluster.messages.values import columns_of
from scalar_tx.cluster.node_server.calls import SMALL, Method, serialized
from scalar_tx.cluster.node_server.execute import Execute
from scalar_tx.cluster.node_server.expiring import Expiring
from scalar_tx.cluster.node_server.scanners import Scanners
from scalar_tx.cluster.node_server.transact import Transact, begun, check_alone
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.consensus_commit.transaction_id import check_callers_id, check_known_id
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.cluster.node_server.access import Caller
    from scalar_tx.cluster.node_server.calls import Context
    from scalar_tx.cluster.node_server.worker_parts import WorkerParts


class TransactionCalls:
    """Serves ``Transactions``."""

    def __init__(self, worker: WorkerParts) -> None:
        self._worker = worker

    def methods(self) -> Mapping[str, Method]:
        """What serves each of them."""
        return {
            "Transact": Method(Transact(self._worker).serve, span="transaction"),
            "Execute": Method(Execute(self._worker).serve, span="script"),
            "ScanPages": Method(self._scan_pages, span="scan"),
            "GetState": Method(self._state, gated=False, span="state", most_bytes=SMALL),
            "Settle": Method(self._settle, gated=False, span="settle", most_bytes=SMALL),
            "Recover": Method(self._recover, span="recover"),
            "Finish": Method(self._finish, span="finish", most_bytes=SMALL),
            "ForgetOutcomes": Method(self._forget_outcomes, most_bytes=SMALL),
            "Hello": Method(self._hello, gated=False, open=True, most_bytes=SMALL),
        }

    async def _scan_pages(
        self, ask: rpc.ScanPagesRequest, caller: Caller, context: Context
    ) -> None:
        tx_id = check_callers_id(ask.begin.transaction_id)
        scan = scan_of(ask.scan)
        check_operation(caller.principal, scan, peer=caller.peer)
        check_alone(ask.begin)
        client = Expiring(tx_id)
        # Else it would go with the first page, and no status without it: see ``cut_off``.
        await context.send_initial_metadata(())
        with self._worker.opened(tx_id, caller, client.expire) as session:
            steps, began = begun(self._worker, ask.begin), time.monotonic()
            scanners = Scanners(steps, self._worker, caller.counted_as, ask.page_size)
            try:
                with session.busy():
                    page = rpc.Page()
                    large = await scanners.open(page, 0, scan, whole=True)
                while True:
                    if page.HasField("records"):
                        told: Any = page.records
                        if large:
                            with session.busy():
                                told = await serialized(self._worker, caller, told)
                        await client.wait(context.write(told))
                    if page.last:
                        break
                    caller = await self._worker.access.again(caller)
                    check_operation(caller.principal, scan, peer=caller.peer)
                    with session.busy():
                        page = rpc.Page()
                        large = await scanners.next_page(page, 0)
                await self._worker.database.run(steps.commit(), whole=True)
            finally:
                scanners.let_go()
                try:
                    if not steps.finished:
                        await self._worker.database.run(steps.rollback(), whole=True)
                finally:
                    self._worker.count(steps, began)

    async def _state(self, ask: rpc.TransactionName, caller: Caller) -> rpc.Decision:
        # In a pause too: nothing is written.
        tx_id = check_known_id(ask.transaction_id)
        return rpc.Decision(state=state_message(await self._on_record(tx_id)))

    async def _settle(self, ask: rpc.TransactionName, caller: Caller) -> rpc.Decision:
        # Whoever knows an id may settle it, from wherever its own client has got to; it aborts what
        # is undecided, so it is for those who could have written.
        check_writer(caller.principal, "settle a transaction", peer=caller.peer)
        tx_id = check_known_id(ask.transaction_id)
        try:
            with self._worker.gate.admit():
                settle = self._worker.database.parts.settle(tx_id)
                found = await self._worker.database.run(settle, whole=True)
        except GateClosedError:
            # What is decided is only read, in a pause too; nothing may be aborted then.
            found = await self._on_record(tx_id)
            if found is TransactionState.UNKNOWN:
                raise
        by = By(caller.name, caller.peer)
        tell(Event.SETTLE, by, subject=tx_id, detail=found.value)
        return rpc.Decision(state=state_message(found))

    async def _on_record(self, tx_id: str) -> TransactionState:
        return await self._worker.database.run(self._worker.database.parts.state(tx_id))

    async def _recover(self, ask: rpc.RecoverRequest, caller: Caller) -> rpc.RecoverReply:
        check_table(caller.principal, Privilege.SELECT, ask.table, peer=caller.peer)
        recover = self._worker.database.parts.recover(ask.table, columns_of(ask.key))
        found = await self._worker.database.run(recover, whole=True)
        return rpc.RecoverReply(state=None if found is None else state_message(found))

    async def _finish(self, ask: rpc.TransactionName, caller: Caller) -> rpc.FinishReply:
        check_superuser(caller.principal, "remove decisions", peer=caller.peer)
        finish = self._worker.database.parts.finish(check_known_id(ask.transaction_id))
        finished = await self._worker.database.run(finish, whole=True)
        return rpc.FinishReply(finished=finished)

    async def _forget_outcomes(self, ask: Any, caller: Caller) -> rpc.ForgetOutcomesReply:
        check_superuser(caller.principal, "remove results of calls", peer=caller.peer)
        steps = iter((True,))
        forget = self._worker.database.parts.outcomes.forget_old(lambda: next(steps, False))
        removed = await self._worker.database.run(forget, whole=True)
        more = removed > 0 and next(steps, None) is None
        return rpc.ForgetOutcomesReply(removed=removed, more=more)

    async def _hello(self, ask: Any, caller: Caller | None) -> rpc.HelloReply:
        who = self._worker.identity
        return rpc.HelloReply(
            node=who.node,
            worker=who.worker,
            workers=who.workers,
            authentication=self._worker.access.asks,
        )
