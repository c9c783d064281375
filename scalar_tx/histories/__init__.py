"""Histories of transactions, and whether they keep what an isolation level promises.

A history says what each transaction read and wrote and how it ended. Nothing of the database needs
to be known: if each value is written only once, whoever reads it names its writer, and lists that
only grow also tell the order of all writes before. From that follows who must have come before
whom. Where this goes round in a circle, no order of the transactions explains what they saw, and
the kind of circle has a name and levels that forbid it. The idea and the names are those of Adya,
"Weak Consistency" (1999), and of Kingsbury and Alvaro, "Elle" (2020).

``check_lists`` and ``check_registers`` judge transactions; ``check_linearizable`` judges single
operations. ``read_history`` reads Elle's and Jepsen's JSON.
"""

from __future__ import annotations

from scalar_tx.histories.check import check_lists, check_registers
from scalar_tx.histories.elle_json import History, read_history, write_history
from scalar_tx.histories.history import Anomaly, Outcome, Transaction, Verdict
from scalar_tx.histories.levels import LEVELS, Level, level_of
from scalar_tx.histories.linearizability import (
    Found,
    LinearizabilityVerdict,
    SingleOperation,
    check_linearizable,
)

__all__ = [
    "LEVELS",
    "Anomaly",
    "Found",
    "History",
    "Level",
    "LinearizabilityVerdict",
    "Outcome",
    "SingleOperation",
    "Transaction",
    "Verdict",
    "check_linearizable",
    "check_lists",
    "check_registers",
    "level_of",
    "read_history",
    "write_history",
]
