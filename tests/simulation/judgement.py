"""What can be wrong with a run of the protocol?

The names of the checks. A planted bug is to be caught by one of them, not by an accident (a run
that broke off).
"""

from __future__ import annotations

from tests.simulation.parts.report import BROKE_OFF, Wrong

__all__ = (
    "BROKE_OFF",
    "CHECKER",
    "DECISION",
    "HALF",
    "LIVENESS",
    "MISSED",
    "SETTLED",
    "TOLD",
    "TORN",
    "TOTALS",
    "VERSIONS",
    "Wrong",
)

TOTALS = "totals"  # sums, counts and places add up
TOLD = "told"  # nothing acknowledged is lost, nothing reported failed is there
HALF = "half present"  # all of a transaction or nothing
VERSIONS = "versions"  # version numbers count the committed writers
DECISION = "decision"  # made once, never changed, and what is there was decided so
SETTLED = "settled"  # answers about an unknown outcome are true and stay
LIVENESS = "liveness"  # everything settles after expiry, a lone client commits
TORN = "torn read"  # a program raised on what never was, and was believed
MISSED = "missed"  # a scan found what was there all the time
CHECKER = "checker"  # the history has an anomaly that its levels forbid
