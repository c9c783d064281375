"""Which reads can a storage make serializable, and what becomes of the others?

SERIALIZABLE rests on linearizable reads: validation must see every write acknowledged before it.
A storage declares which of its reads are. One that isn't is refused at SERIALIZABLE, unless the
caller says ``weak=True``, or a settings file named the level itself: then it is done as ScalarDB
does it, with one warning.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.storage.interface import ReadKind

_log = logging.getLogger("scalar_tx.isolation")
_warned: set[tuple[str, str]] = set()


def check_linearizable(
    context: Context, kind: ReadKind, table: str, *, isolation: Isolation, weak: bool
) -> None:
    """Refuse, or warn of, a read that would make SERIALIZABLE a false promise."""
    info = context.storage.info(table)
    if kind in info.linearizable or weak or isolation is not Isolation.SERIALIZABLE:
        return
    if context.options.isolation_from_file:
        if (info.name, kind.value) not in _warned:
            _warned.add((info.name, kind.value))
            _log.warning(
                "a %s on %s is not linearizable: SERIALIZABLE is weaker for it",
                kind.value,
                info.name,
            )
        return
    raise InvalidOperationError(
        f"a {kind.value} of {table} can't be serializable: {info.name} answers it with data that "
        "may be out of date",
        advice="Keep a lookup table and read that by key, or use Isolation.SNAPSHOT for this "
        "transaction, or pass weak=True to this call",
        code="STX-3031",
    )
