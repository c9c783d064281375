"""Does a simulated process run steps at once, and work in the background, as it should?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation.parts.dice import Chance, Dice
from tests.simulation.parts.processes import Process
from tests.simulation.parts.scheduler import Scheduler
from tests.simulation.simulated_runtime import SimulatedRuntime

if TYPE_CHECKING:
    from collections.abc import Coroutine


def dice() -> Dice:
    return Chance(1).dice("anything")


def run(world: Scheduler, coroutine: Coroutine[Any, Any, Any]) -> Any:
    main = world.spawn(coroutine, None, "main")
    world.run(main)
    return main.value


def test_steps_that_run_at_once_all_end_before_their_errors_are_told() -> None:
    world = Scheduler(dice(), pace=0.001)
    runtime = SimulatedRuntime(Process(world, "p", Counter(), dice()), dice())
    ended: list[str] = []

    async def fail() -> None:
        raise ValueError("at once")

    async def work() -> None:
        await runtime.sleep(1)
        ended.append("work")

    async def both() -> list[str]:
        outcomes = await runtime.run_all([fail, work])
        assert isinstance(outcomes[0].error, ValueError)
        return list(ended)

    assert run(world, both()) == ["work"]


def test_work_in_the_background_hands_on_its_error() -> None:
    world = Scheduler(dice(), pace=0.001)
    runtime = SimulatedRuntime(Process(world, "p", Counter(), dice()), dice())

    async def fail() -> None:
        raise ValueError("later")

    async def wait() -> str:
        later = runtime.run_later(fail)
        with pytest.raises(ValueError, match="later"):
            await later.done()
        return "met"

    assert run(world, wait()) == "met"
