"""What becomes of a message between two processes?

Whoever wants to be written to opens a mailbox at an address; the next process that opens one there
takes its place. By seed a message arrives soon and in any order, late, twice, or never; while a cut
lies between two addresses nothing gets through. A message is not part of the process that sent it:
it arrives although its sender is dead. What arrives where nobody is alive is lost, and nobody is
told of a loss: whoever wants an answer waits for it only so long.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter

    from tests.simulation.parts.dice import Dice
    from tests.simulation.parts.processes import Process
    from tests.simulation.parts.scheduler import Scheduler, Task


class Fate(Enum):
    """What can happen to a message."""

    LOST = "lost"
    LATE = "late"
    TWICE = "twice"


@dataclass(frozen=True, slots=True)
class Cut:
    """A time, in seconds, in which nothing gets from some addresses to all others, or back.

    ``ways`` is "both", "in" (they hear nothing) or "out" (nobody hears them).
    """

    inside: frozenset[str]
    begin: float
    end: float
    ways: str = "both"

    def stops(self, source: str, target: str, now: float) -> bool:
        """Does it lie between the two?"""
        if not self.begin <= now < self.end or (source in self.inside) == (target in self.inside):
            return False
        return self.ways == "both" or (self.ways == "out") == (source in self.inside)

    def __str__(self) -> str:
        inside = " ".join(sorted(self.inside))
        return f"{inside} cut off ({self.ways}) from {self.begin:.3f} s to {self.end:.3f} s"


@dataclass(frozen=True, slots=True)
class MessageRates:
    """How likely each fate is for one message, and how many seconds late is late."""

    lost: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    delays: tuple[tuple[float, float], ...] = ((0.0, 0.05), (0.0, 1.0), (1.0, 20.0))
    cuts: tuple[Cut, ...] = ()


NO_LOSSES: Final = MessageRates()


class Letter:
    """A message on its way; the scheduler's picking it is its arrival."""

    __slots__ = ("_post", "content", "number", "source", "target")

    def __init__(self, post: Post, source: str, target: str, content: object) -> None:
        self._post = post
        self.source = source
        self.target = target
        self.content = content
        self.number = post.scheduler.next_number()

    def step(self) -> None:
        """Arrive."""
        self._post.arrive(self)

    def __str__(self) -> str:
        return f"{self.source} to {self.target}: {self.content}"


class Mailbox:
    """Letters that have arrived, for one task at a time."""

    __slots__ = ("letters", "receiver")

    def __init__(self) -> None:
        self.letters: deque[Letter] = deque()
        self.receiver: Receive | None = None

    def put(self, letter: Letter) -> None:
        """One more letter: whoever waits goes on with it."""
        receiver, self.receiver = self.receiver, None
        if receiver is None:
            self.letters.append(letter)
        else:
            receiver.wake(letter)


class Receive:
    """A request: go on with the next letter, or with None after so many seconds without one."""

    __slots__ = ("_mailbox", "_seconds", "_task")

    def __init__(self, mailbox: Mailbox, seconds: float | None = None) -> None:
        self._mailbox = mailbox
        self._seconds = seconds
        self._task: Task | None = None

    def begin(self, task: Task) -> None:
        """Take what is there, or wait."""
        self._task = task
        mailbox = self._mailbox
        if mailbox.letters:
            self.wake(mailbox.letters.popleft())
            return
        if mailbox.receiver is not None:
            raise RuntimeError("somebody waits at this mailbox already: open one for each task")
        mailbox.receiver = self
        if self._seconds is not None:
            task.scheduler.call_later(self._seconds, self._give_up)

    def wake(self, letter: Letter | None) -> None:
        """Let the task go on."""
        task = self._task
        assert task is not None
        task.answer = letter
        task.scheduler.ready.append(task)

    def _give_up(self) -> None:
        if self._mailbox.receiver is self:
            self._mailbox.receiver = None
            self.wake(None)


class Post:
    """Carries messages between addresses."""

    def __init__(
        self, scheduler: Scheduler, dice: Dice, rates: MessageRates, counts: Counter[str]
    ) -> None:
        self.scheduler = scheduler
        self.rates = rates
        self._dice = dice
        self._counts = counts
        self._living: dict[str, tuple[Process, Mailbox]] = {}
        self._cuts_met: set[Cut] = set()

    def open(self, address: str, process: Process) -> Mailbox:
        """A mailbox, for as long as the process lives or until another one opens one there."""
        mailbox = Mailbox()
        self._living[address] = process, mailbox
        return mailbox

    def heal(self) -> None:
        """Every message arrives from now on; what is late still comes."""
        self.rates = NO_LOSSES

    def send(self, source: str, target: str, content: object) -> None:
        """Put a message on its way."""
        self._counts["messages"] += 1
        letter = Letter(self, source, target, content)
        fate = self._draw()
        if fate is not None:
            self._counts[fate.name.lower()] += 1
            self._note(letter, fate.value.upper())
        if fate is Fate.LOST:
            return
        if fate is Fate.TWICE:
            self._put_off(Letter(self, source, target, content))
        if fate is Fate.LATE:
            self._put_off(letter)
        else:
            self.scheduler.ready.append(letter)

    def arrive(self, letter: Letter) -> None:
        """Reach the mailbox, if there is a way to it and somebody alive behind it."""
        now = self.scheduler.now
        for cut in self.rates.cuts:
            if cut.stops(letter.source, letter.target, now):
                self._counts["cut off"] += 1
                self._counts["partitions"] += cut not in self._cuts_met
                self._cuts_met.add(cut)
                self._note(letter, "CUT OFF")
                return
        process, mailbox = self._living.get(letter.target, (None, None))
        if process is None or mailbox is None or not process.alive:
            self._counts["nobody there"] += 1
            self._note(letter, "NOBODY THERE")
            return
        self._note(letter, "arrives")
        mailbox.put(letter)

    def _draw(self) -> Fate | None:
        rates = self.rates
        if rates is NO_LOSSES:
            return None
        drawn = 1.0 - self._dice.random()
        fates = ((rates.lost, Fate.LOST), (rates.late, Fate.LATE), (rates.twice, Fate.TWICE))
        for rate, fate in fates:
            if drawn < rate:
                return fate
            drawn -= rate
        return None

    def _put_off(self, letter: Letter) -> None:
        seconds = self._dice.uniform(*self._dice.pick(self.rates.delays))
        self.scheduler.at(seconds, letter)

    def _note(self, letter: Letter, what: str) -> None:
        if self.scheduler.lines is not None:
            self.scheduler.note(letter.target, f"{letter}: {what}")
