"""How is a transaction's id made, and what can be read from one?

Ids are parsed and made here only. A plain id is a UUID in text, or the caller's own. The id of a
member of a group commit is 24 letters or digits, ``$``, and the member's own id (Consensus Commit
specification 6.1); the test for that form applies to every id, whoever made it.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from scalar_tx.runtime.interface import Runtime

GROUP_LENGTH: Final = 24
_GROUP_LETTERS: Final = string.digits + string.ascii_letters
SEPARATOR: Final = "$"
UNRECORDED: Final = "1p-"  # begins the ids of those committed by their records alone
LONGEST: Final = 64  # the key column's width where a database bounds it (specification 6.1)
_LONGEST_KNOWN: Final = 2048  # bytes of a key where a database without columns bounds it
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Marks:
    """What an id tells about its transaction beyond its identity."""

    group: str | None  # the group's own id, if it is a group's member
    member: str | None
    epoch: int | None = None  # ids of writers that know epochs carry theirs; others count as older


def marks(tx_id: str) -> Marks:
    """Take an id apart."""
    if len(tx_id) > GROUP_LENGTH and tx_id[GROUP_LENGTH] == SEPARATOR:
        return Marks(tx_id[:GROUP_LENGTH], tx_id[GROUP_LENGTH + 1 :])
    return Marks(None, None)


def member_id(group: str, member: str) -> str:
    """The id of a group's member."""
    return f"{group}{SEPARATOR}{member}"


def make(runtime: Runtime, *, recorded: bool = True) -> str:
    """A new id, never used before; ``recorded``: of a transaction that leaves a decision."""
    made = runtime.new_id()
    return made if recorded else UNRECORDED + made


def make_group(runtime: Runtime) -> str:
    """A new group's own id (specification 6.1)."""
    letters = len(_GROUP_LETTERS)
    return "".join(_GROUP_LETTERS[int(runtime.chance() * letters)] for _ in range(GROUP_LENGTH))


def of_member(group: str, member: str) -> str:
    """The id of a group's member."""
    return f"{group}{SEPARATOR}{member}"


def leaves_a_decision(tx_id: str) -> bool:
    """Does a decision tell what became of a transaction? Else its records do, and they alone."""
    return not tx_id.startswith(UNRECORDED)


def check_callers_id(tx_id: object) -> str:
    """Return a caller's own id if it can be one (design: ``id=`` is no idempotency key)."""
    if not isinstance(tx_id, str) or not tx_id:
        reason = "an id is a non-empty text"
    elif len(tx_id) > LONGEST:
        reason = f"an id has at most {LONGEST} characters"
    elif not leaves_a_decision(tx_id):
        reason = f"{UNRECORDED} begins the ids of transactions that leave no decision"
    elif "," in tx_id:
        reason = "a comma separates ids in decision rows"
    elif marks(tx_id).group is not None:
        reason = f"a {SEPARATOR} at index {GROUP_LENGTH} marks a member of a group commit"
    elif not tx_id.isprintable():
        reason = "an id has printable characters only"
    else:
        return str.__str__(tx_id)  # of a subclass the text alone
    raise InvalidOperationError(
        f"{_shown(tx_id)} can't be a transaction id: {reason}",
        advice="Leave id= out, or give a fresh text such as str(uuid.uuid4())",
        code="STX-3030",
    )


def check_known_id(tx_id: object) -> str:
    """Return the id of a transaction that somebody asks about, if there can be one."""
    if isinstance(tx_id, str) and 0 < len(tx_id) <= _LONGEST_KNOWN and tx_id.isprintable():
        return str.__str__(tx_id)
    raise InvalidOperationError(
        f"{_shown(tx_id)} is no transaction's id",
        advice="Give a transaction's .id, or the .transaction_id of an error",
        code="STX-3030",
    )


def _shown(tx_id: object) -> str:
    # Whoever sends a text of megabytes does not get it back.
    return repr(tx_id[:_SHOWN] if isinstance(tx_id, str) else tx_id)[: _SHOWN + 2]
