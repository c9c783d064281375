"""How is a whole audit set verified, and what is told meanwhile?

Each item is a transaction of its own, a few at once. What is held is those few, one page of ids and
the verdicts that were not told yet, however large the set is.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.audit import rules as audit
from scalar_auditor.errors import NotFoundError
from scalar_auditor.permissions import Action
from scalar_auditor.verification import rules
from scalar_auditor.verification.verifying import Question, Verdict, verified
from scalar_auditor.viewing import View, viewed
from scalar_auditor.visibility import insist_on_set

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_auditor.verification.evidence import Head
    from scalar_tx.transaction_async import AsyncTransaction

METHOD: Final = "VerifyAuditSet"
_AT_ONCE: Final = 8  # items: most of a verification is waiting for the database
_PAGE: Final = 100  # ids
_COUNTED: Final = 1000  # ids in one transaction
_EVERY: Final = 0.25  # seconds between two messages, where a second was promised
_MOST_VERDICTS: Final = 100  # in one message


@dataclass(slots=True)
class Progress:
    """How far it is. ``verdicts``: the bad ones since the message before.

    ``total``: all items behind where it began; while they are counted, those that are so far.
    """

    total: int
    last_item_id: str
    verified: int = 0
    tampered: int = 0
    not_monitored: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    finished: bool = False

    def take(self, item_id: str, verdict: Verdict | None) -> None:
        """Count an item; None: it is not in the set any more."""
        self.last_item_id = item_id
        if verdict is None:
            self.total -= 1
            return
        self.verified += 1
        # One that was added meanwhile was not among those counted.
        self.total = max(self.total, self.verified)
        self.tampered += verdict.tampering_status == rules.TAMPERED
        self.not_monitored += verdict.tampering_status == rules.NOT_MONITORED
        if verdict.tampering_status != rules.NOT_TAMPERED:
            self.verdicts.append(verdict)


class SetVerification:
    """Verifies the items of a set behind ``after``, for a caller who is asked about at each."""

    def __init__(
        self,
        auditor: Auditor,
        caller: Caller,
        audit_set_id: str,
        after: str,
        anchors: Mapping[str, Head],
    ) -> None:
        self._auditor = auditor
        self._caller = caller
        self._audit_set_id = audit_set_id
        self._after = after
        self._anchors = anchors

    async def run(self, send: Callable[[Progress], Awaitable[None]]) -> None:
        """Verify them all; ``send`` gets each message. Errors as of the set's visibility."""
        progress = Progress(0, self._after)
        told = time.monotonic()
        async for count in self._counts():
            progress.total += count
            if time.monotonic() - told >= _EVERY:
                await send(progress)
                told = time.monotonic()
        await send(progress)
        told = time.monotonic()
        under_way: deque[tuple[str, asyncio.Task[Verdict | None]]] = deque()
        ids = self._ids()
        try:
            while True:
                while len(under_way) < _AT_ONCE and (item_id := await anext(ids, None)) is not None:
                    under_way.append((item_id, asyncio.create_task(self._verdict_on(item_id))))
                if not under_way:
                    break
                item_id, first = under_way[0]
                left = max(0.0, told + _EVERY - time.monotonic())
                if (await asyncio.wait({first}, timeout=left))[0]:
                    under_way.popleft()
                    progress.take(item_id, first.result())
                if time.monotonic() - told >= _EVERY or len(progress.verdicts) >= _MOST_VERDICTS:
                    await send(progress)
                    progress.verdicts.clear()
                    told = time.monotonic()
        finally:
            await ids.aclose()
            await _ended([task for _, task in under_way])
        progress.finished = True
        await send(progress)

    async def _counts(self) -> AsyncGenerator[int, None]:
        """How many items each page has. What an outside auditor so learns of the set is a view."""
        view = View(self._caller, METHOD, self._audit_set_id)

        async def looked(_: Caller, work: Any, *args: Any) -> Any:
            return await viewed(self._auditor, self._auditor.listed, view, work, *args)

        how: Callable[..., Awaitable[Any]] = looked
        after = self._after or None
        while True:
            found = await self._auditor.step(how, self._caller, self._page, after, _COUNTED)
            yield len(found)
            if len(found) < _COUNTED:
                return
            how, after = self._auditor.listed, found[-1]

    async def _ids(self) -> AsyncGenerator[str, None]:
        after = self._after or None
        while True:
            found = await self._auditor.step(
                self._auditor.listed, self._caller, self._page, after, _PAGE
            )
            for item_id in found:
                yield item_id
            if len(found) < _PAGE:
                return
            after = found[-1]

    async def _page(self, tx: AsyncTransaction, after: str | None, limit: int) -> list[str]:
        await insist_on_set(tx, self._caller, self._audit_set_id, Action.VERIFY)
        found = await audit.items_of_set(tx, self._audit_set_id, after, limit)
        return [one.item_id for one in found]

    async def _verdict_on(self, item_id: str) -> Verdict | None:
        auditor = self._auditor
        view = View(self._caller, METHOD, self._audit_set_id, item_id)

        async def looked(_: Caller, work: Any, *args: Any) -> Any:
            return await viewed(auditor, auditor.change, view, work, *args)

        async def changed(caller: Caller, work: Any, *args: Any) -> Any:
            return await auditor.step(looked, caller, work, *args)

        async def read(caller: Caller, work: Any, *args: Any) -> Any:
            return await auditor.step(auditor.read, caller, work, *args)

        asked = Question(
            self._caller, item_id, self._audit_set_id, anchor=self._anchors.get(item_id)
        )
        try:
            verdict = await verified(changed, read, auditor.keys, asked, auditor.now_ms())
        except NotFoundError as error:
            if error.reason != "ITEM_NOT_FOUND":
                raise
            return None
        if verdict.tampering_status == rules.TAMPERED:
            auditor.metrics.found_tampered()
        return verdict


async def _ended(tasks: list[asyncio.Task[Verdict | None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
