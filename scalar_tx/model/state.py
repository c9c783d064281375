"""How may a transaction have ended?"""

from __future__ import annotations

from enum import Enum


class TransactionState(Enum):
    """The decision about a transaction, as far as anybody can tell.

    UNKNOWN is an answer, not a state on its way: it is also given for transactions that leave no
    decision row (Consensus Commit specification 5.8).
    """

    COMMITTED = "COMMITTED"
    ABORTED = "ABORTED"
    UNKNOWN = "UNKNOWN"
