"""Do messages and mailboxes do what they say?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulation.parts.dice import Chance
from tests.simulation.parts.messages import NO_LOSSES, Cut, Mailbox, MessageRates, Post, Receive
from tests.simulation.parts.processes import Process
from tests.simulation.parts.scheduler import Join, Scheduler, Sleep, ask

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence


class World:
    """Two processes, "a" and "b", and the post between them."""

    def __init__(self, rates: MessageRates = NO_LOSSES, seed: int = 1) -> None:
        chance = Chance(seed)
        self.counts: Counter[str] = Counter()
        self.scheduler = Scheduler(chance.dice("who goes on"), pace=0.001)
        self.post = Post(self.scheduler, chance.dice("messages"), rates, self.counts)
        self.hazards = chance.dice("hazards")
        self.a = self.process("a")
        self.b = self.process("b")

    def process(self, name: str) -> Process:
        return Process(self.scheduler, name, self.counts, self.hazards)

    def run(self, coroutine: Coroutine[Any, Any, Any], process: Process | None = None) -> Any:
        task = self.scheduler.spawn(coroutine, process, "main")
        self.scheduler.run(task)
        return task.value

    async def receive(self, mailbox: Mailbox, seconds: float = 100.0) -> list[object]:
        """Everything that arrives until nothing does for so long."""
        contents = []
        while (letter := await ask(Receive(mailbox, seconds))) is not None:
            contents.append(letter.content)
        return contents

    def carried(self, contents: Sequence[object], seconds: float = 100.0) -> list[object]:
        """What of it gets from "a" to "b"."""
        mailbox = self.post.open("b", self.b)
        for content in contents:
            self.post.send("a", "b", content)
        found = self.run(self.receive(mailbox, seconds), self.b)
        assert isinstance(found, list)
        return found


def test_messages_arrive_in_any_order() -> None:
    orders = {tuple(World(seed=seed).carried("xyz")) for seed in range(100)}
    assert len(orders) == 6
    assert {"".join(sorted(map(str, order))) for order in orders} == {"xyz"}


def test_an_answer_finds_whoever_asked() -> None:
    world = World()

    async def answer() -> None:
        letter = await ask(Receive(world.post.open("b", world.b)))
        world.post.send("b", letter.source, f"{letter.content}?")

    async def question() -> object:
        mailbox = world.post.open("a", world.a)
        await ask(Sleep(1))  # "b" opens its mailbox first
        world.post.send("a", "b", "well")
        return (await ask(Receive(mailbox))).content

    world.b.spawn(answer())
    assert world.run(question(), world.a) == "well?"


def test_whoever_waits_too_long_goes_on_without_a_letter() -> None:
    world = World()

    async def wait() -> tuple[object, float]:
        mailbox = world.post.open("a", world.a)
        return await ask(Receive(mailbox, 5.0)), world.scheduler.now

    letter, now = world.run(wait(), world.a)
    assert letter is None
    assert now == pytest.approx(5.0, abs=0.1)


def test_an_old_alarm_wakes_nobody() -> None:
    world = World()

    async def wait() -> float:
        mailbox = world.post.open("a", world.a)
        world.post.send("b", "a", "soon")
        assert await ask(Receive(mailbox, 5.0)) is not None
        assert await ask(Receive(mailbox, 50.0)) is None
        return world.scheduler.now

    assert world.run(wait(), world.a) == pytest.approx(50.0, abs=0.1)


@pytest.mark.parametrize(
    "rates,copies,counted",
    [
        (NO_LOSSES, 1, ""),
        (MessageRates(lost=1.0), 0, "lost"),
        (MessageRates(late=1.0), 1, "late"),
        (MessageRates(twice=1.0), 2, "twice"),
    ],
)
def test_a_fate_changes_what_it_says(rates: MessageRates, copies: int, counted: str) -> None:
    world = World(rates)
    assert sorted(map(str, world.carried("xy"))) == sorted("xy" * copies)
    assert {name for name in ("lost", "late", "twice") if world.counts[name]} == (
        {counted} if counted else set()
    )


def test_what_is_late_comes_when_nobody_expects_it() -> None:
    rates = MessageRates(late=1.0, delays=((5.0, 6.0),))
    assert World(rates).carried("x", seconds=4.0) == []
    assert World(rates).carried("x", seconds=7.0) == ["x"]


@pytest.mark.parametrize(
    "ways,there,back",
    [("both", False, False), ("in", True, False), ("out", False, True)],
)
def test_a_cut_stops_what_it_says(ways: str, there: bool, back: bool) -> None:
    cut = Cut(frozenset({"a", "c"}), 1.0, 2.0, ways)
    assert cut.stops("a", "b", 1.5) is not there
    assert cut.stops("b", "a", 1.5) is not back
    assert not cut.stops("a", "c", 1.5)
    assert not cut.stops("b", "d", 1.5)
    assert not cut.stops("a", "b", 0.9)
    assert not cut.stops("a", "b", 2.0)


def test_nothing_gets_through_a_cut_until_it_ends_or_is_healed() -> None:
    rates = MessageRates(cuts=(Cut(frozenset("a"), 0.0, 10.0),))
    world = World(rates)
    assert world.carried("xyz", seconds=1.0) == []
    assert world.counts["cut off"] == 3
    assert world.counts["partitions"] == 1
    world.scheduler.now = 10.0
    assert world.carried("x") == ["x"]
    healed = World(rates)
    healed.post.heal()
    assert healed.carried("x") == ["x"]


def test_a_message_arrives_although_its_sender_has_died() -> None:
    world = World()
    world.post.send("a", "b", "x")
    world.a.crash()
    assert world.carried("") == ["x"]


def test_nobody_gets_the_letters_of_the_dead_but_who_takes_their_place() -> None:
    world = World()
    world.post.open("b", world.b)
    world.b.crash()
    world.post.send("a", "b", "x")
    world.scheduler.drain()
    assert world.counts["nobody there"] == 1
    world.post.send("a", "b", "y")
    world.b = world.process("b")
    assert world.carried("") == ["y"]


def test_a_paused_process_finds_its_letters_later() -> None:
    world = World()
    world.b.pause(20.0)

    async def wait() -> float:
        await world.receive(mailbox, 1.0)
        return world.scheduler.now

    mailbox = world.post.open("b", world.b)
    task = world.b.spawn(wait())
    world.post.send("a", "b", "x")

    async def join() -> None:
        await ask(Join([task]))

    world.run(join())
    assert task.value > 20.0


def test_two_at_one_mailbox_are_refused() -> None:
    world = World()
    mailbox = world.post.open("a", world.a)
    world.a.spawn(world.receive(mailbox))
    world.scheduler._step()
    with pytest.raises(RuntimeError, match="open one for each task"):
        world.run(world.receive(mailbox), world.a)
