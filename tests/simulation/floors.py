"""What must a run over many seeds have met to be believed?"""

from __future__ import annotations

from typing import Final

from tests.simulation.parts.many import Floors

FLOORS: Final = Floors(
    rates={
        "transactions": 3.0,
        "storage calls": 25.0,
        "told COMMITTED": 2.0,
        "conflict": 0.5,
        "schedules with a fault": 0.3,
        "schedules with a conflict": 0.3,
        "recovery": 0.5,
        "rolled back": 0.1,
        "rolled forward": 0.2,
        "lost_before": 0.04,
        "lost_after": 0.04,
        "late": 0.04,
        "late effects": 0.01,
        "busy": 0.1,
        "unavailable": 0.1,
        "outage": 0.1,
        "crash": 0.02,
        "pause": 0.02,
        "zombie": 0.01,
        "jump": 0.002,
        "undecided": 0.004,
        "told UNKNOWN": 0.003,
        "committed untold": 0.005,
        "decided ABORTED": 0.002,
        "settled COMMITTED": 0.005,
        "settled ABORTED": 0.01,
        "lone commits": 0.3,
        "decision removed": 0.2,
        "index caught up": 0.02,
        "across storages": 0.1,
        "reads with a value": 2.0,
    },
    more=(("reads with a value", "reads of nothing"),),
)
