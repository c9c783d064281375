"""What can come of a program, whatever the order of its storage calls?

A transaction goes on from the replies it got. Two interleavings that gave every transaction the
same replies and left the same rows therefore go on alike: they meet in one *position*, and only
positions are visited. How many interleavings lead to each is counted on the way, so all of them are
covered. Nothing is assumed about calls of different transactions; within one, tasks that run at
once share nothing but each other's ends (``Process.memory``). ``test_exactness`` tries each one
from its beginning and finds the same endings as often.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tests.hermitage.programs import Ending
from tests.hermitage.stepping import perform

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from scalar_tx.model.isolation import Isolation
    from tests.hermitage.one_interleaving import Choice
    from tests.hermitage.operations import Result
    from tests.hermitage.places import Contents, MemoryPlace
    from tests.hermitage.programs import Anomaly, Program
    from tests.hermitage.stepping import Call, Process, Reply, TaskName

# Where each transaction is, and the number of what the storage holds.
Position: TypeAlias = "tuple[tuple[Stand, ...], int]"
Replies: TypeAlias = "tuple[tuple[TaskName, Reply], ...]"


@dataclass
class Found:
    """All endings of a program, with the number of interleavings that lead to each."""

    interleavings: dict[Ending, int] = field(default_factory=dict)
    examples: dict[Ending, tuple[Choice, ...]] = field(default_factory=dict)
    positions: int = 0
    calls: int = 0  # of the longest interleaving

    @property
    def total(self) -> int:
        """How many interleavings there are."""
        return sum(self.interleavings.values())

    def showing(self, anomaly: Anomaly) -> int:
        """How many of them show the anomaly."""
        return sum(number for ending, number in self.interleavings.items() if anomaly(ending))

    def example(self, anomaly: Anomaly) -> tuple[Choice, ...] | None:
        """The choices of one that shows it."""
        return next((self.examples[e] for e in self.interleavings if anomaly(e)), None)


class Stand:
    """A transaction after some replies: the calls it waits for. Compared by identity."""

    __slots__ = ("_next", "_process", "_replies", "_story", "calls", "result")

    def __init__(self, story: Story, process: Process, replies: Replies) -> None:
        self._story = story
        self._process: Process | None = process
        self._replies = replies
        self._next: dict[Hashable, Stand] = {}
        self.calls: list[tuple[TaskName, Call]] = process.calls()
        self.result: Result | None = None if self.calls else process.result

    def after(self, task: TaskName, reply: Reply) -> Stand:
        """Where the transaction is when a task of it got a reply."""
        stand = self._next.get((task, reply.key))
        if stand is None:
            stand = self._story.goes_on(self._run(), (*self._replies, (task, reply)))
            self._next[task, reply.key] = stand
        return stand

    def _run(self) -> Process:
        """A run of the transaction that is here and can be driven on."""
        process = self._process
        if process is not None and not any(call.looks_back for _, call in self.calls):
            self._process = None
            return process
        process = self._story.begin()
        for task, reply in self._replies:
            process.feed(task, reply)
        return process

    def close(self) -> None:
        """Let go."""
        if self._process is not None:
            self._process.close()


class Story:
    """Everything that can happen to one transaction."""

    def __init__(self, begin: Callable[[], Process]) -> None:
        self.begin = begin
        self._stands: dict[Hashable, Stand] = {}

    def start(self) -> Stand:
        """Where it begins."""
        return self._at(self.begin(), ())

    def goes_on(self, process: Process, replies: Replies) -> Stand:
        """Where a run is after the last of these replies."""
        process.feed(*replies[-1])
        return self._at(process, replies)

    def _at(self, process: Process, replies: Replies) -> Stand:
        memory = process.memory()
        known = self._stands.get(memory)
        if known is None:
            known = self._stands[memory] = Stand(self, process, replies)
            return known
        now = [(task, call.words()) for task, call in process.calls()]
        then = [(task, call.words()) for task, call in known.calls]
        assert now == then, f"equal memories go on differently: {now} and {then}"
        process.close()
        return known

    def close(self) -> None:
        """Let go of all runs."""
        for stand in self._stands.values():
            stand.close()


class Search:
    """Visits all positions of one program at one level, those of equal depth together."""

    def __init__(self, place: MemoryPlace, program: Program, level: Isolation) -> None:
        self._place = place
        self._names = list(program.transactions)
        self._contents: list[Contents] = []
        self._numbers: dict[Contents, int] = {}
        self._effects: dict[tuple[Stand, TaskName, int], tuple[Stand, int]] = {}
        self._came: dict[Position, tuple[Position, Choice]] = {}
        place.reset()
        self._stories = [
            Story(lambda name=name, script=script: place.begin(name, script, level))  # type: ignore[misc]  # bound now
            for name, script in program.transactions.items()
        ]

    def run(self) -> Found:
        """Visit them."""
        found = Found()
        start = tuple(story.start() for story in self._stories)
        ways: dict[Position, int] = {(start, self._number()): 1}
        while ways:
            found.positions += len(ways)
            found.calls += 1
            deeper: dict[Position, int] = {}
            for position, number in ways.items():
                steps = self._steps(position)
                if not steps:
                    self._end(found, position, number)
                for choice, reached in steps:
                    if reached not in deeper:
                        deeper[reached] = 0
                        self._came[reached] = (position, choice)
                    deeper[reached] += number
            ways = deeper
        found.calls -= 1
        for story in self._stories:
            story.close()
        return found

    def _steps(self, position: Position) -> list[tuple[Choice, Position]]:
        stands, held = position
        steps: list[tuple[Choice, Position]] = []
        for at, stand in enumerate(stands):
            for task, call in stand.calls:
                moved, left = self._effect(stand, task, call, held)
                steps.append(((at, task), ((*stands[:at], moved, *stands[at + 1 :]), left)))
        return steps

    def _effect(self, stand: Stand, task: TaskName, call: Call, held: int) -> tuple[Stand, int]:
        effect = self._effects.get((stand, task, held))
        if effect is None:
            self._place.put_back(self._contents[held])
            reply = perform(call, self._place.storage)
            effect = stand.after(task, reply), self._number()
            self._effects[stand, task, held] = effect
        return effect

    def _number(self) -> int:
        contents = self._place.save()
        number = self._numbers.setdefault(contents, len(self._contents))
        if number == len(self._contents):
            self._contents.append(contents)
        return number

    def _end(self, found: Found, position: Position, number: int) -> None:
        stands, held = position
        self._place.put_back(self._contents[held])
        results = [
            (name, stand.result)
            for name, stand in zip(self._names, stands, strict=True)
            if stand.result is not None
        ]
        ending = Ending(tuple(sorted(results, key=_name)), self._place.rows())
        if ending not in found.interleavings:
            found.interleavings[ending] = 0
            found.examples[ending] = self._way_to(position)
        found.interleavings[ending] += number

    def _way_to(self, position: Position) -> tuple[Choice, ...]:
        choices: list[Choice] = []
        while (came := self._came.get(position)) is not None:
            position, choice = came
            choices.append(choice)
        return tuple(reversed(choices))


def _name(item: tuple[str, Result]) -> str:
    return item[0]


def search(place: MemoryPlace, program: Program, level: Isolation) -> Found:
    """All endings of a program on a memory storage."""
    return Search(place, program, level).run()
