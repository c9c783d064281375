"""Is a node that clients are at work on paused when it says so, each time, and soon enough?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import grpc

from tests.cluster.node.running import Admin

if TYPE_CHECKING:
    import random

    from tests.chaos.node_clients import Told
    from tests.chaos.node_figures import NodeResult
    from tests.chaos.node_fleet import NodeFleet

DRAIN_S: Final = 5.0  # the limit that each pause is given
LONGEST_PAUSE_S: Final = 0.06
LONGEST_WORK_S: Final = 0.1
ADMITTED: Final = "admitted in a pause"
DRAIN: Final = "a pause did not drain"


def pause_often(
    fleet: NodeFleet, told: Told, pauses: int, dice: random.Random, result: NodeResult
) -> None:
    """So many pauses under load; then all that began and was committed inside one is wrong."""
    verdict, figures = result.verdict, result.figures
    windows: list[tuple[int, int]] = []
    with Admin(fleet.node().admin) as admin:
        for _ in range(pauses):
            began = time.monotonic()
            try:
                admin.pause(milliseconds=round(DRAIN_S * 1000))
            except grpc.RpcError as error:
                verdict.add(DRAIN, error)
                admin.unpause()
                continue
            seconds = time.monotonic() - began
            figures.longest_drain = max(figures.longest_drain, seconds)
            if seconds > DRAIN_S:
                verdict.add(DRAIN, f"{seconds:.2f} s")
            answered = time.monotonic_ns()
            time.sleep(dice.uniform(0, LONGEST_PAUSE_S))
            if not admin.paused():
                verdict.add(ADMITTED, "it says that it is not paused")
            windows.append((answered, time.monotonic_ns()))
            admin.unpause()
            figures.pauses += 1
            time.sleep(dice.uniform(0, LONGEST_WORK_S))
    for entry in told.entries:
        if entry.outcome != "committed" or entry.ended is None:
            continue
        for answered, over in windows:
            if answered < entry.begun and entry.ended < over:
                verdict.add(ADMITTED, entry)
