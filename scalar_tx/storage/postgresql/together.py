"""How do several conditional writes become one statement, which does all of them or nothing?

One statement is one round trip and one transaction of its own. Each write is a part of it that
tells whether it found its row; where one did not, the statement fails as a whole, and what the
server's log then says about it is ``UNMET``. No two of them touch the same row: what PostgreSQL
would make of that is not defined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.storage.sql.meanings import UNMET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.storage.sql.plans import Plan

_MOST: Final = 32  # writes in one statement; a longer one is dear to plan


def together(plans: Sequence[Plan]) -> str | None:
    """One statement for all; its parameters are theirs, one after the other. None: too many."""
    if len(plans) > _MOST:
        return None
    parts = ",".join(f"w{i} AS ({plan.text} RETURNING 1)" for i, plan in enumerate(plans))
    # Asked one after the other, and done when it is asked: rows are locked in this order.
    met = " AND ".join(
        f"EXISTS (SELECT 1 FROM w{i})" if plan.conditional else f"(SELECT count(*) FROM w{i})>=0"
        for i, plan in enumerate(plans)
    )
    # Of a conversion that fails the server says what it was given, so this is a readable error.
    return f"WITH {parts} SELECT CAST(CASE WHEN {met} THEN '1' ELSE '{UNMET}' END AS int)"
