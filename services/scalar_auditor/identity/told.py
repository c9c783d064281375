"""What is told to those who watch over the services? Lines of the node's security log.

No value is a secret: no password, token or code comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.auth import security_log
from scalar_tx.cluster.auth.security_log import Event, Result

if TYPE_CHECKING:
    from scalar_auditor.permissions import Caller


def done(event: Event, caller: Caller, *, subject: str = "", detail: str = "") -> None:
    """It was done, by the caller. ``subject``: who or what it was done to."""
    by = security_log.Caller(caller.email or caller.name, caller.peer)
    security_log.tell(event, by, subject=subject, detail=detail)


def refused(event: Event, caller: Caller, *, subject: str = "", why: str) -> None:
    """It was refused. ``subject``: also who the caller said they were, and did not show."""
    by = security_log.Caller(caller.email or caller.name, caller.peer)
    security_log.tell(event, by, subject=subject, result=Result.REFUSED, detail=why)
