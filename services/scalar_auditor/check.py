"""Does a database hold what the services promise? (``scalar-auditor check``)

Every service says what has to hold in its tables (its ``invariants``, Services specification 4);
here they are all asked, on any database, beside running services or without them.
"""

from __future__ import annotations

import importlib
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from scalar_auditor.services import NAMES
from scalar_auditor.verification import invariants as verification
from scalar_auditor.verification.anchor import anchor_at
from scalar_tx.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from scalar_auditor.keys import KeyRing
    from scalar_tx.manager_async import AsyncTransactionManager

MOST_TEXTS: Final = 1000  # of one service; the others are counted
_NO_RECORD: Final = "STX-3096"  # a row that the class of its table can't hold


@dataclass(slots=True)
class Found:
    """What was found in the tables of one service: how much, and the first texts."""

    count: int = 0
    texts: list[str] = field(default_factory=list)


async def check(
    manager: AsyncTransactionManager,
    keys: KeyRing,
    *,
    anchor: str | None = None,
    progress: Callable[[str, int], None] = lambda *_: None,
) -> dict[str, Found]:
    """What is not as it has to be, by service; nothing is written.

    A row that can't be a record, such as by a NULL that no service writes, is found too, and ends
    the look at the tables of its service. ``anchor``: a file or ``s3://bucket/key`` whose heads the
    histories must have; what they lack is found under ``verification``. ``progress`` is told of
    each service as it begins and at each finding, and how many there are. SettingsError: the anchor
    can't be used; nothing was read.
    """
    report: dict[str, Found] = {}
    with nullcontext() if anchor is None else anchor_at(anchor, keys) as anchored:
        for name in NAMES:
            report[name] = Found()
            progress(name, 0)
            await _collect(report[name], _findings(manager, keys, name), partial(progress, name))
        if anchored is not None:
            source = verification.anchor_findings(manager, anchored.heads())
            told = report["verification"]
            await _collect(told, source, partial(progress, "verification"))
    return report


def _findings(
    manager: AsyncTransactionManager, keys: KeyRing, name: str
) -> AsyncGenerator[str, None]:
    if name == "verification":
        return verification.findings(manager, keys)
    module = importlib.import_module(f"scalar_auditor.{name}.invariants")
    found: AsyncGenerator[str, None] = module.findings(manager)
    return found


async def _collect(
    found: Found, source: AsyncGenerator[str, None], tell: Callable[[int], None]
) -> None:
    try:
        async for text in source:
            _add(found, text, tell)
    except SchemaError as error:
        if error.code != _NO_RECORD:
            raise
        _add(found, f"{error.message}; what is behind it was not looked at", tell)


def _add(found: Found, text: str, tell: Callable[[int], None]) -> None:
    found.count += 1
    if len(found.texts) < MOST_TEXTS:
        found.texts.append(text)
    tell(found.count)
