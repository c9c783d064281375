"""Which isolation levels are there, and how are they written?"""

from __future__ import annotations

from enum import Enum

from scalar_tx.errors import InvalidOperationError


class Isolation(Enum):
    """What a transaction may see of others (Consensus Commit specification 3.10)."""

    SERIALIZABLE = "SERIALIZABLE"
    SNAPSHOT = "SNAPSHOT"
    READ_COMMITTED = "READ_COMMITTED"

    @classmethod
    def parse(cls, value: object) -> Isolation:
        """The level a member or a text means: any case, words joined by ``_``, ``-`` or a space.

        Anything else is InvalidOperationError.

        >>> Isolation.parse("read-committed")
        <Isolation.READ_COMMITTED: 'READ_COMMITTED'>
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            level = cls.__members__.get(
                value.strip().upper().replace("-", "_").replace(" ", "_"), None
            )
            if level is not None:
                return level
        raise InvalidOperationError(
            f"{value!r} is not an isolation level",
            advice=f"Use one of {', '.join(cls.__members__)}",
            code="STX-3021",
        )
