"""Do the simulator's own parts do what they say?"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import ReplyLostError, StorageBusyError, StorageUnavailableError
from tests.simulation.cycles import find_cycle
from tests.simulation.network import Call, Fault, FaultRates, Network, Outage
from tests.simulation.processes import Hazards, Process
from tests.simulation.scheduler import TURN, Join, Scheduler, Sleep, Stuck, ask
from tests.simulation.simulated_runtime import SimulatedRuntime
from tests.simulation.simulated_storage import STORAGE_ERRORS

if TYPE_CHECKING:
    from collections.abc import Coroutine


def scheduler(seed: int = 1) -> Scheduler:
    return Scheduler(random.Random(seed), pace=0.001)


def run(world: Scheduler, coroutine: Coroutine[Any, Any, Any]) -> Any:
    main = world.spawn(coroutine, None, "main")
    world.run(main)
    return main.value


def test_tasks_are_interleaved_by_seed() -> None:
    def order(seed: int) -> str:
        world = scheduler(seed)
        seen: list[str] = []

        async def say(letter: str) -> None:
            for _ in range(3):
                seen.append(letter)
                await ask(TURN)

        async def both() -> None:
            await ask(Join([world.spawn(say(letter), None, letter) for letter in "ab"]))

        run(world, both())
        return "".join(seen)

    orders = {order(seed) for seed in range(300)}
    assert len(orders) == 20  # every way to shuffle aaa into bbb
    assert order(7) == order(7)


def test_time_jumps_where_nothing_else_is_to_be_done() -> None:
    world = scheduler()

    async def nap() -> float:
        await ask(Sleep(1000))
        return world.now

    assert run(world, nap()) == pytest.approx(1000, abs=1)
    assert world.steps < 10


def test_waiting_for_nobody_is_noticed() -> None:
    world = scheduler()

    class Never:
        def begin(self, task: object) -> None:
            """Nobody wakes it."""

    async def wait() -> None:
        await ask(Never())

    with pytest.raises(Stuck):
        run(world, wait())


def test_running_on_for_ever_is_noticed() -> None:
    world = scheduler()

    async def spin() -> None:
        while True:
            await ask(TURN)

    with pytest.raises(Stuck):
        run(world, spin())


def test_a_dead_process_tasks_never_go_on_and_those_who_wait_for_them_do() -> None:
    world = scheduler()
    counts: Counter[str] = Counter()
    process = Process(world, "p", counts)
    seen = []

    async def work() -> None:
        seen.append("begun")
        await ask(Sleep(1))
        seen.append("ended")

    async def watch() -> None:
        task = process.spawn(work())
        await ask(Sleep(0.5))
        process.crash()
        await ask(Join([task]))
        await ask(Sleep(5))

    run(world, watch())
    assert seen == ["begun"]
    assert not process.alive


def test_a_paused_process_goes_on_later() -> None:
    world = scheduler()
    process = Process(world, "p", Counter())
    seen = []

    async def work() -> None:
        await ask(Sleep(0.1))
        seen.append(world.now)

    async def watch() -> None:
        task = process.spawn(work())
        await ask(Sleep(0.05))
        process.pause(20)
        await ask(Join([task]))

    run(world, watch())
    assert seen[0] > 20


def test_clocks_are_wrong_by_process() -> None:
    world = scheduler()
    right, wrong = Process(world, "r", Counter()), Process(world, "w", Counter(), skew_ms=-4000)
    assert right.now_ms() - wrong.now_ms() == 4000
    wrong.jump(5000)
    assert right.now_ms() - wrong.now_ms() == -1000


@pytest.mark.parametrize(
    "name,hazards",
    [("crash", Hazards(crash=0.5)), ("pause", Hazards(pause=0.5)), ("jump", Hazards(jump=0.5))],
)
def test_hazards_happen(name: str, hazards: Hazards) -> None:
    world = scheduler()
    counts: Counter[str] = Counter()
    process = Process(world, "p", counts, hazards=hazards)

    async def work() -> None:
        for _ in range(100):
            await ask(TURN)

    async def watch() -> None:
        await ask(Join([process.spawn(work())]))

    run(world, watch())
    assert counts[name] >= 1


@pytest.mark.parametrize(
    "rates,at_once,in_the_end,error",
    [
        (FaultRates(), 1, 1, None),
        (FaultRates(lost_before=1.0), 0, 0, ReplyLostError),
        (FaultRates(lost_after=1.0), 1, 1, ReplyLostError),
        (FaultRates(late=1.0), 0, 1, ReplyLostError),
        (FaultRates(busy=1.0), 0, 0, StorageBusyError),
        (FaultRates(unavailable=1.0), 0, 0, StorageUnavailableError),
    ],
)
def test_a_fault_changes_what_it_says(
    rates: FaultRates, at_once: int, in_the_end: int, error: type[Exception] | None
) -> None:
    world = scheduler()
    network = Network(world, rates, STORAGE_ERRORS, Counter())
    done: list[int] = []
    met: list[object] = []

    async def call() -> int:
        try:
            await ask(Call(network, lambda: done.append(1), lambda: "write", "t", writes=True))
        except Exception as raised:  # noqa: BLE001  # looked at below
            met.append(type(raised))
        return len(done)

    assert run(world, call()) == at_once
    world.drain()
    assert len(done) == in_the_end
    assert met == ([] if error is None else [error])


def test_a_request_arrives_although_its_sender_has_died() -> None:
    world = scheduler()
    network = Network(world, FaultRates(), STORAGE_ERRORS, Counter())
    process = Process(world, "p", Counter())
    done: list[int] = []

    async def send() -> None:
        await ask(Call(network, lambda: done.append(1), lambda: "write", "t", writes=True))

    process.spawn(send())
    world._step()
    process.crash()
    world.drain()
    assert done == [1]


def test_an_outage_answers_nobody_and_heals() -> None:
    world = scheduler()
    rates = FaultRates(outages=(Outage("t", 0.0, 10.0),))
    network = Network(world, rates, STORAGE_ERRORS, Counter())
    assert network.draw("t", writes=False) is Fault.UNAVAILABLE
    assert network.draw("t", writes=True) is not None
    assert network.draw("other", writes=False) is None
    reads = Network(
        world, FaultRates(outages=(Outage("", 0.0, 10.0, True),)), STORAGE_ERRORS, Counter()
    )
    assert reads.draw("t", writes=False) is None
    assert reads.draw("t", writes=True) is not None
    world.now = 10.0
    assert network.draw("t", writes=False) is None
    world.now = 5.0
    network.heal()
    assert network.draw("t", writes=True) is None


def test_steps_that_run_at_once_all_end_before_their_errors_are_told() -> None:
    world = scheduler()
    runtime = SimulatedRuntime(Process(world, "p", Counter()))
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
    world = scheduler()
    runtime = SimulatedRuntime(Process(world, "p", Counter()))

    async def fail() -> None:
        raise ValueError("later")

    async def wait() -> str:
        later = runtime.run_later(fail)
        with pytest.raises(ValueError, match="later"):
            await later.done()
        return "met"

    assert run(world, wait()) == "met"


def test_cycles_are_found_and_told_in_words() -> None:
    assert find_cycle({1: {2: "ww a"}, 2: {3: "wr b"}, 3: {}}) is None
    assert find_cycle({1: {2: "ww a", 3: "rt"}, 2: {3: "wr b"}, 3: {}}) is None
    found = find_cycle({1: {2: "ww a"}, 2: {3: "wr b"}, 3: {2: "rw c"}})
    assert found == "#2 -wr b-> #3 -rw c-> #2"
