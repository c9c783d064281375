"""What can one part of a two-phase transaction do that a node runs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.client.remote_steps import RemoteSteps
from scalar_tx.cluster.client.requests import NOTHING
from scalar_tx.cluster.messages.isolation import state_of
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from scalar_tx.cluster.client.backend import RemoteBackend
    from scalar_tx.model.isolation import Isolation


class RemotePart(RemoteSteps):
    """One part of a two-phase transaction that a node runs."""

    def __init__(
        self,
        backend: RemoteBackend,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        joined: bool,
        timeout: float | None,
    ) -> None:
        super().__init__(
            backend, isolation, read_only=read_only, caller_id=caller_id, timeout=timeout
        )
        self.two_phase = rpc.Begin.JOIN if joined else rpc.Begin.BEGIN
        self._agreed = False

    async def prepare(self) -> None:
        """Write this part's records as prepared."""
        self._require_open()
        await self._say(rpc.Request(prepare=NOTHING), writes=True)
        self._agreed = True

    async def validate(self) -> None:
        """Look whether what this part has read still holds."""
        self._require_open()
        await self._say(rpc.Request(validate=NOTHING))

    async def commit(self, parts: int | None = None) -> None:
        """Ask for the decision and finish this part's records by it."""
        self._require_open()
        request = rpc.Request(end=rpc.Request.COMMIT)
        if parts is not None:
            request.parts = parts
        await self._commit_part(request)

    async def _commit_part(self, request: rpc.Request) -> None:
        if self._agreed:
            await self._commit(request)
            return
        await self._say(request)  # out of turn: the node says so, and the part stays as it is

    async def rollback(self) -> None:
        """Abort the transaction, for every part, unless another part has committed it."""
        if self.finished or not self._agreed or self._in_doubt:
            await super().rollback()
            return
        reply = await self._say(rpc.Request(end=rpc.Request.ROLLBACK))
        self._end(state_of(reply.outcome) or TransactionState.ABORTED)
