"""What must a run over many seeds have met to be believed?"""

from __future__ import annotations

from typing import Final

from tests.simulation.parts.many import Floors

FLOORS: Final = Floors(
    rates={
        "messages": 60.0,
        "writes ok": 1.5,
        "writes fail": 0.3,
        "writes info": 0.1,
        "reads ok": 4.0,
        "reads info": 0.08,
        "reads of another's value": 1.5,
        "unknown writes seen": 0.05,
        "schedules with a fault": 0.3,
        "lost": 2.0,
        "late": 2.0,
        "twice": 2.0,
        "cut off": 0.5,
        "partitions": 0.08,
        "nobody there": 2.0,
        "crash": 0.5,
        "restarts": 0.5,
        "blackouts": 0.1,
        "pause": 0.15,
        "failed syncs": 0.08,
        "writes lost": 0.03,
        "writes torn": 0.006,
    },
)
