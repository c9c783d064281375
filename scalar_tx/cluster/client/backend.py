"""What does a manager make its transactions on, if a node has the databases?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.client.kept_back import Schemas
from scalar_tx.cluster.client.node_calls import TRANSACTIONS, NoAnswerError, NodeCalls
from scalar_tx.cluster.client.remote_administration import RemoteAdministration
from scalar_tx.cluster.client.remote_outcomes import RemoteOutcomes
from scalar_tx.cluster.client.remote_part import RemotePart
from scalar_tx.cluster.client.remote_steps import RemoteSteps, result_of
from scalar_tx.cluster.messages.isolation import isolation_message, state_of
from scalar_tx.cluster.messages.scripts import script_message
from scalar_tx.cluster.messages.values import columns_message
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ScalarTxError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.model.operations import Mutation
from scalar_tx.model.script import ScriptResult
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import split_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.cluster.client.log_in import LogIn
    from scalar_tx.cluster.client.wire import Wire
    from scalar_tx.consensus_commit.observer import Observer
    from scalar_tx.model.decision_counts import DecisionCounts
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.script import Script
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Value
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.settings import Settings

_SETTLING_SECONDS = 30.0  # longer than it takes a coordinator's storage to come back, mostly
_PAUSE = 0.2
_ROOM = 1024


class RemoteBackend:
    """Transactions that nodes run."""

    def __init__(self, settings: Settings, wire: Wire, runtime: Runtime, log_in: LogIn) -> None:
        self.runtime = runtime
        self.isolation = settings.consensus_commit.isolation
        self._named = settings.consensus_commit.isolation_named
        # Bytes; the rest is for what goes along with a request.
        self.largest_request = settings.node.limits.message_bytes - _ROOM
        self.calls = NodeCalls(wire, runtime, log_in)
        self.administration = RemoteAdministration(self.calls, self._forget_tables)
        self.outcomes = RemoteOutcomes(self.calls)
        self.schemas = Schemas(runtime.elapsed)

    @property
    def observers(self) -> list[Observer]:
        """There are none: what a transaction has read and written is with its node."""
        raise InvalidOperationError(
            "a history is recorded where transactions run, and a node runs these",
            advice="Record it in a program that opens the database itself",
            code="STX-5053",
        )

    def transaction(
        self,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        timeout: float | None,
    ) -> RemoteSteps:
        """A new transaction; the node hears of it with its first operation."""
        return RemoteSteps(
            self, isolation, read_only=read_only, caller_id=caller_id, timeout=timeout
        )

    def _forget_tables(self) -> None:
        self.schemas.forget()

    async def learn(self, table: str) -> None:
        """Find out what a table is like, if it is time to."""
        if self.schemas.to_be_asked(table):
            try:
                schema = await self.administration.table(table)
            except ScalarTxError:
                schema = None  # whoever uses it is told why
            self.schemas.learn(table, schema)

    async def table(self, name: str) -> TableSchema:
        """What a table is like, found out if it is time to; raises what a node says is wrong."""
        await self.learn(name)
        checks = self.schemas.known(name)
        return await self.administration.table(name) if checks is None else checks.schema

    def part(
        self,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        joined: bool,
        timeout: float | None,
    ) -> RemotePart:
        """A new part of a two-phase transaction."""
        return RemotePart(
            self,
            isolation,
            read_only=read_only,
            caller_id=caller_id,
            joined=joined,
            timeout=timeout,
        )

    async def execute(
        self, script: Script, isolation: Isolation | None, seconds: float | None
    ) -> ScriptResult:
        """Run a script as a transaction, in one call."""
        tx_id = self.runtime.new_id()
        begin = rpc.Begin(
            transaction_id=tx_id,
            fresh_id=True,
            isolation=isolation_message(isolation),
            timeout=seconds,
        )
        request = rpc.ExecuteRequest(begin=begin, script=script_message(script))
        try:
            found = await self.calls.execute(request)
        except NoAnswerError as lost:
            if await self._settled(tx_id, script) is not TransactionState.COMMITTED:
                error = lost.refusal or ConflictError(
                    f"the node that ran this script was lost ({lost}); nothing of it took effect",
                    code="STX-5065",
                )
                error.transaction_id = tx_id
                raise error from lost
            return ScriptResult(tx_id, None)
        if found.done_before:
            return ScriptResult(tx_id, None)
        works = [step.work for step in script.steps]
        results = zip(works, found.results, strict=True)
        return ScriptResult(tx_id, [result_of(work, result) for work, result in results])

    async def _settled(self, tx_id: str, script: Script) -> TransactionState:
        if not any(isinstance(step.work, Mutation) for step in script.steps):
            return TransactionState.ABORTED  # nothing that only reads takes effect
        # Whatever keeps the decision from being told, the script may be done: it must not look as
        # if it could be run again.
        try:
            return await self.settle(tx_id)
        except ScalarTxError as error:
            raise UnknownOutcomeError(
                "the node was lost while it ran this script, and no other one tells what became "
                "of it",
                transaction_id=tx_id,
            ) from error

    async def state(self, transaction_id: str) -> TransactionState:
        """What is on record about a transaction."""
        return await self._decision("GetState", transaction_id)

    async def settle(self, transaction_id: str) -> TransactionState:
        """The decision, made to be ABORTED if there is none; from any node, for a while."""
        ends_at = self.runtime.elapsed() + _SETTLING_SECONDS
        while True:
            try:
                return await self._decision("Settle", transaction_id)
            except StorageUnavailableError:
                if self.runtime.elapsed() + _PAUSE > ends_at:
                    raise
            await self.runtime.sleep(_PAUSE)

    async def _decision(self, method: str, transaction_id: str) -> TransactionState:
        request = rpc.TransactionName(transaction_id=transaction_id)
        reply = await self.calls.ask(
            f"{TRANSACTIONS}{method}", request, rpc.Decision, harmless=True
        )
        return state_of(reply.state) or TransactionState.UNKNOWN

    async def recover(self, table: str, key: Mapping[str, Value]) -> TransactionState | None:
        """Settle one record."""
        split_name(table)
        request = rpc.RecoverRequest(table=table, key=columns_message(key, "key", table))
        path = f"{TRANSACTIONS}Recover"
        reply = await self.calls.ask(path, request, rpc.RecoverReply, harmless=True)
        return state_of(reply.state)

    async def finish(self, transaction_id: str) -> bool:
        """Settle what a decided transaction has written and remove its decision's row."""
        request = rpc.TransactionName(transaction_id=transaction_id)
        path = f"{TRANSACTIONS}Finish"
        reply = await self.calls.ask(path, request, rpc.FinishReply, harmless=True)
        return bool(reply.finished)

    def decision_counts(self) -> DecisionCounts:
        """They are counted where decisions are made."""
        raise InvalidOperationError(
            "decisions are counted where they are made, and a node makes these",
            advice="See the node's metrics, on its HTTP port",
            code="STX-5053",
        )

    async def close(self) -> None:
        """Let go of all connections."""
        await self.calls.wire.close()
