"""How does one update look, copy and set? (Storage specification 4.4)

An attribute that is copied from one that is absent becomes a NULL, as older programs wrote them;
an indexed attribute can't be one. Numbers are not counted from a NULL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import WriteRefusedError
from scalar_tx.storage.dynamo.codec import NULL
from scalar_tx.storage.dynamo.keys import PARTITION_KEY

if TYPE_CHECKING:
    from scalar_tx.storage.dynamo.conditions import Aliases
    from scalar_tx.storage.interface import Overwrite

_ZERO: Final = {"N": "0"}
_ONE: Final = {"N": "1"}
_NUMBER: Final = {"S": "N"}  # as attribute_type wants it
_MOST_BYTES: Final = 4096  # of one expression


def copies(overwrite: Overwrite, aliases: Aliases) -> list[str]:
    """The terms of SET that keep and count."""
    terms = []
    for name, source in overwrite.keeps.items():
        # A record that is new must not look as if it had held a counter before.
        counted = source == overwrite.counter and not overwrite.makes
        instead = aliases.value(_ZERO if counted else NULL)
        terms.append(f"{aliases.column(name)}=if_not_exists({aliases.column(source)},{instead})")
    counter = aliases.column(overwrite.counter)
    zero, one = aliases.value(_ZERO), aliases.value(_ONE)
    return [*terms, f"{counter}=if_not_exists({counter},{zero})+{one}"]


def where(overwrite: Overwrite, present: str, condition: str, aliases: Aliases) -> str:
    """The condition of the request; ``present``: the record is there."""
    counter = aliases.column(overwrite.counter)
    counts = f"attribute_type({counter}, {aliases.value(_NUMBER)})"
    if not (overwrite.makes and overwrite.counter in overwrite.keeps.values()):
        counts = f"(attribute_not_exists({counter}) OR {counts})"
    if not overwrite.makes:
        return f"{present} AND {condition} AND {counts}"
    return f"attribute_not_exists({PARTITION_KEY}) OR ({condition} AND {counts})"


def check(overwrite: Overwrite, update: str) -> None:
    """WriteRefusedError if it is more than DynamoDB takes."""
    if len(update.encode()) > _MOST_BYTES:
        raise WriteRefusedError(
            f"{overwrite.table.name} {overwrite.key!r}: DynamoDB can't keep so many columns at once"
        )
