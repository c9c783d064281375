"""Who calls, by the token that a call bears?"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_auditor.errors import UnauthenticatedError
from scalar_auditor.identity import log_ins, told
from scalar_auditor.identity.token_text import presented
from scalar_auditor.permissions import Caller
from scalar_tx.cluster.auth.recent import Recent
from scalar_tx.cluster.auth.security_log import Event
from scalar_tx.model.isolation import Isolation
from scalar_tx.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_auditor.identity.log_ins import Holder
    from scalar_tx.manager_async import AsyncTransactionManager

OLDEST_ANSWER: Final = 4.0  # seconds; what is revoked is to be refused within five
_REMEMBERED: Final = 10_000
_BEARER: Final = "bearer "
_WHILE_WAITED_FOR: Final = RetryPolicy(deadline=3.0)


class TokenAccess:
    """Says who calls, as it was at most 4 seconds ago. Call ``close`` at the end.

    ``now_ms``: the wall clock; ``elapsed``: a monotonic one, in seconds.
    """

    def __init__(
        self,
        manager: AsyncTransactionManager,
        now_ms: Callable[[], int],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._manager = manager
        self._now_ms = now_ms
        self._recent: Recent[Holder] = Recent(OLDEST_ANSWER, _REMEMBERED, elapsed)

    async def caller(self, authorization: str, peer: str) -> Caller:
        """Who sent a call with that header; nobody, where there is none.

        UnauthenticatedError, BAD_TOKEN: a token that is none, was never one, or is no more. Where
        the database can't be asked its error is raised: nobody is let in.
        """
        if not authorization:
            return Caller(peer=peer)
        text = authorization[len(_BEARER) :].strip()
        shown = presented(text) if authorization[: len(_BEARER)].lower() == _BEARER else None
        if shown is None:
            told.refused(Event.TOKEN, Caller(peer=peer), why="no token by its form")
            raise bad_token()

        async def ask() -> Holder | None:
            found = await self._manager.run(
                log_ins.holder,
                shown,
                self._now_ms(),
                isolation=Isolation.SERIALIZABLE,
                read_only=True,
                retry=_WHILE_WAITED_FOR,
            )
            if found is None:
                told.refused(Event.TOKEN, Caller(peer=peer), why="unknown, expired or ended")
            return found

        holder = await self._recent.get(shown.digest, ask)
        if holder is None or holder.expires_at <= self._now_ms():
            raise bad_token()
        return replace(holder.caller, peer=peer)

    def forget(self, user_email: str) -> None:
        """Look anew at the tokens of a person, who was changed."""
        self._recent.forget(lambda holder: holder.caller.email == user_email)

    def forget_service(self, name: str) -> None:
        """Look anew at the tokens of a service."""
        self._recent.forget(lambda holder: holder.caller.name == name)

    async def close(self) -> None:
        """Wait for what is still asked of the database."""
        await self._recent.close()


def bad_token() -> UnauthenticatedError:
    """The caller hears no difference."""
    return UnauthenticatedError(
        "this token is not valid, or not any more: log in again", reason="BAD_TOKEN"
    )
