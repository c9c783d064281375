"""Are the storages of a node there, and what would the doctor say of each?"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ScalarTxError, StorageError
from scalar_tx.model.finding import Verdict
from scalar_tx.storage import registry

if TYPE_CHECKING:
    from scalar_tx.cluster.control import Data
    from scalar_tx.model.storage_settings import StorageSettings

KEPT_SECONDS: Final = 10.0  # an examination makes connections of its own
PATIENCE: Final = 8.0  # seconds for one storage
_ORDER: Final = (Verdict.BAD, Verdict.WARNING)


class StorageHealth:
    """Looks at each storage when somebody asks, every ten seconds at most."""

    def __init__(self, settings: StorageSettings) -> None:
        multi = settings.multi
        self._storages = {settings.kind: settings} if multi is None else dict(multi.storages)
        self._looks: dict[str, asyncio.Future[tuple[str, list[Data]]]] = {}
        self._lock = asyncio.Lock()
        self._known: list[Data] = []
        self._known_until = 0.0

    async def told(self, *, whole: bool) -> list[Data]:
        """Each storage with its verdict. ``whole``: findings too, which tell of places."""
        async with self._lock:
            if time.monotonic() >= self._known_until:
                looks = [self._look(name, one) for name, one in self._storages.items()]
                self._known = await asyncio.gather(*looks)
                self._known_until = time.monotonic() + KEPT_SECONDS
        return [one if whole else {**one, "findings": []} for one in self._known]

    async def _look(self, name: str, settings: StorageSettings) -> Data:
        began = time.monotonic()
        look = self._looks.get(name)
        if look is None or look.done():
            # Where one hangs, no second thread is spent on it.
            look = asyncio.ensure_future(asyncio.to_thread(_examined, settings))
            self._looks[name] = look
        await asyncio.wait([look], timeout=PATIENCE)
        verdict, findings = look.result() if look.done() else ("no answer", [])
        return {
            "name": name,
            "kind": settings.kind,
            "verdict": verdict,
            "seconds": time.monotonic() - began,
            "findings": findings,
        }


def _examined(settings: StorageSettings) -> tuple[str, list[Data]]:
    examine = registry.doctor_of(settings)
    if examine is None:
        return "good", []
    try:
        found = examine(settings)
    except (ScalarTxError, StorageError, OSError):
        return "can't be asked", []
    findings = [
        {"subject": one.subject, "verdict": one.verdict.value, "text": one.text}
        for one in found.findings
    ]
    verdicts = {one.verdict for one in found.findings}
    worst = next((one.value for one in _ORDER if one in verdicts), "good")
    return worst, findings
