"""Do the simulator's own parts do what they say?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation.parts.dice import Chance, Dice, Recorded, Replayed
from tests.simulation.parts.network import Call, Fault, FaultRates, Network, Outage
from tests.simulation.parts.processes import Hazards, Process
from tests.simulation.parts.scheduler import TURN, Join, Scheduler, Sleep, Stuck, ask

if TYPE_CHECKING:
    from collections.abc import Coroutine


class ReplyLostError(Exception):
    """Nobody knows what became of the call."""


class BusyError(Exception):
    """Turned away: try again."""


class UnavailableError(Exception):
    """Turned away: nobody is there."""


ERRORS = {
    Fault.LOST_BEFORE: ReplyLostError,
    Fault.LOST_AFTER: ReplyLostError,
    Fault.LATE: ReplyLostError,
    Fault.BUSY: BusyError,
    Fault.UNAVAILABLE: UnavailableError,
}


def scheduler(seed: int = 1) -> Scheduler:
    return Scheduler(Chance(seed).dice("who goes on"), pace=0.001)


def dice(seed: int = 1) -> Dice:
    return Chance(seed).dice("anything")


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
    process = Process(world, "p", counts, dice())
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
    process = Process(world, "p", Counter(), dice())
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
    right, wrong = (
        Process(world, "r", Counter(), dice()),
        Process(world, "w", Counter(), dice(), skew_ms=-4000),
    )
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
    process = Process(world, "p", counts, dice(), hazards=hazards)

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
        (FaultRates(busy=1.0), 0, 0, BusyError),
        (FaultRates(unavailable=1.0), 0, 0, UnavailableError),
    ],
)
def test_a_fault_changes_what_it_says(
    rates: FaultRates, at_once: int, in_the_end: int, error: type[Exception] | None
) -> None:
    world = scheduler()
    network = Network(world, dice(), rates, ERRORS, Counter())
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
    network = Network(world, dice(), FaultRates(), ERRORS, Counter())
    process = Process(world, "p", Counter(), dice())
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
    network = Network(world, dice(), rates, ERRORS, Counter())
    assert network.draw("t", writes=False) is Fault.UNAVAILABLE
    assert network.draw("t", writes=True) is not None
    assert network.draw("other", writes=False) is None
    reads = Network(
        world, dice(), FaultRates(outages=(Outage("", 0.0, 10.0, True),)), ERRORS, Counter()
    )
    assert reads.draw("t", writes=False) is None
    assert reads.draw("t", writes=True) is not None
    world.now = 10.0
    assert network.draw("t", writes=False) is None
    world.now = 5.0
    network.heal()
    assert network.draw("t", writes=True) is None


def test_streams_are_independent_and_the_same_every_time() -> None:
    def numbers(seed: int, concern: str) -> list[float]:
        stream = Chance(seed).dice(concern)
        return [stream.random() for _ in range(5)]

    assert numbers(1, "faults") == numbers(1, "faults")
    assert len({tuple(numbers(seed, name)) for seed in (1, 2) for name in ("faults", "world")}) == 4


def test_a_tape_gives_the_same_numbers_again_then_the_simplest() -> None:
    recorded = Recorded(3)
    drawn = [recorded.dice("a").random() for _ in range(4)]
    replayed = Replayed(recorded.tape)
    again = replayed.dice("a")
    assert [again.random() for _ in range(6)] == [*drawn, 0.0, 0.0]
    assert replayed.used == {"a": 6}
    assert replayed.dice("never recorded").random() == 0.0


def test_the_simplest_is_no_chance_the_first_and_the_least() -> None:
    simplest = Replayed({}).dice("a")
    assert not simplest.chance(0.999)
    assert simplest.below(5) == 0
    assert simplest.between(2, 4) == 2
    assert simplest.pick("xyz") == "x"
    assert simplest.weighted({"x": 1, "y": 99}) == "x"
    assert simplest.two_of(3) == (0, 1)


def test_dice_reach_everything_and_nothing_else() -> None:
    fair = dice()
    assert {fair.below(3) for _ in range(100)} == {0, 1, 2}
    assert {fair.between(2, 4) for _ in range(100)} == {2, 3, 4}
    assert {fair.weighted({"x": 1, "y": 3}) for _ in range(100)} == {"x", "y"}
    assert {fair.two_of(3) for _ in range(200)} == {
        (a, b) for a in range(3) for b in range(3) if a != b
    }
    assert 400 < sum(fair.chance(0.25) for _ in range(2000)) < 600
