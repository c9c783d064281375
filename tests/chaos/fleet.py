"""Who starts the writers, kills them at the wanted moments, and puts others in their place?"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from tests.chaos.figures import Kill
from tests.chaos.journal import last_unfinished
from tests.chaos.moments import Moment

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.chaos.places import Place
    from tests.chaos.stored import Unsettled

ROOT: Final = Path(__file__).resolve().parents[2]
LONGEST_START_S: Final = 60.0

# step -> (how often it is aimed at, at which of its times)
AIMS: Final = {"prepare": (3, 30), "decide": (4, 12), "finish": (4, 20), "abort": (2, 2)}
AIMED_SHARE: Final = 0.65


@dataclass(frozen=True)
class Crew:
    """How many writers there are at a time, with how many threads each, and how long they live.

    ``at_moment`` is how long one is let live whose moment has not come, ``at_random`` the longest
    life of one that may die anywhere; both in seconds. ``aftermath`` is how long new ones work
    among what the dead have left.
    """

    writers: int = 3
    threads: int = 1
    at_moment: float = 2.0
    at_random: float = 0.4
    aftermath: float = 1.0


class FleetError(Exception):
    """A writer did something else than write and die."""


def spawn(module: str, *arguments: object, moment: Moment | None = None) -> subprocess.Popen[bytes]:
    """A process of this folder; it ends when its standard input is closed and it waits for that."""
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.chaos.{module}", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(moment.armed() if moment else {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    )


def draw_moment(dice: random.Random, *, times: int = 1) -> Moment | None:
    """Where the next writer is to die; None: anywhere. ``times`` as late as usual."""
    if dice.random() >= AIMED_SHARE:
        return None
    (step,) = dice.choices(list(AIMS), [often for often, _ in AIMS.values()])
    when = dice.choice(("before", "after"))
    nth = dice.randint(1, AIMS[step][1] * times)
    return Moment(when, step, nth, waits=dice.random() < 0.5)


@dataclass
class Writer:
    """A living writer and its sentence."""

    slot: int
    process: subprocess.Popen[bytes]
    moment: Moment | None
    delay: float  # after it is ready; at a moment, if that does not come before
    dies_at: float
    ready: bool = False

    @property
    def pipe(self) -> IO[bytes]:
        """What it says."""
        assert self.process.stdout is not None
        return self.process.stdout


class Fleet:
    """Writers on one database. A journal is kept a slot and thread: ``writer-0-0`` and so on."""

    def __init__(
        self,
        place: Place,
        folder: Path,
        dice: random.Random,
        crew: Crew,
        *,
        fault: str = "none",
        draw: Callable[[random.Random], Moment | None] = draw_moment,
    ) -> None:
        self._place = place
        self._folder = folder
        self._dice = dice
        self._crew = crew
        self._draw = draw
        self._fault = fault
        self._started = 0
        self._living: dict[int, Writer] = {}
        self._selector = selectors.DefaultSelector()

    def journals(self) -> list[Path]:
        """The journals there are."""
        return sorted(self._folder.glob("writer-*-*"))

    def kill(self, enough: Callable[[int], bool]) -> list[Kill]:
        """Keep writers at work, and kill them, until it is enough; the last ones die together.

        ``enough`` is asked with how many kills there are once those alive are killed too.
        """
        kills: list[Kill] = []
        for slot in range(self._crew.writers):
            if not enough(len(self._living)):
                self._start(slot)
        while not enough(len(kills) + len(self._living)):
            writer, moment = self._next_to_die()
            kills += self._end([writer], moment)
            if not enough(len(kills) + len(self._living)):
                self._start(writer.slot)
        kills += self._end_all_at_once()
        return kills

    def run(self, seconds: float) -> None:
        """Let writers work and end by themselves."""
        for slot in range(self._crew.writers):
            self._start(slot, seconds=seconds)
        for writer in list(self._living.values()):
            self._forget(writer)
            try:
                code = writer.process.wait(LONGEST_START_S + seconds)
            except subprocess.TimeoutExpired:
                writer.process.kill()
                writer.process.wait()
                raise FleetError("a writer did not end by itself") from None
            finally:
                self._close(writer)
            if code != 0:
                raise FleetError(f"a writer ended with {code}; it told why on standard error")

    def close(self) -> None:
        """End whoever is left."""
        for writer in list(self._living.values()):
            self._forget(writer)
            writer.process.kill()
            writer.process.wait()
            self._close(writer)
        self._selector.close()

    def _start(self, slot: int, seconds: float | None = None) -> None:
        self._started += 1
        moment = None if seconds is not None else self._draw(self._dice)
        arguments: list[object] = [self._place.target, self._folder, "--slot", slot]
        arguments += ["--name", f"w{self._started}", "--threads", self._crew.threads]
        arguments += ["--seed", self._dice.randrange(2**31), "--fault", self._fault]
        if self._dice.random() < 0.5:
            arguments.append("--one-by-one")
        if seconds is not None:
            arguments += ["--seconds", seconds]
        process = spawn("writer", *arguments, moment=moment)
        crew = self._crew
        delay = crew.at_moment if moment else self._dice.uniform(0, crew.at_random)
        writer = Writer(slot, process, moment, delay, time.monotonic() + LONGEST_START_S)
        self._living[slot] = writer
        self._selector.register(writer.pipe, selectors.EVENT_READ, writer)

    def _next_to_die(self) -> tuple[Writer, str]:
        """Wait for a moment to come, or for the end of somebody's time."""
        while True:
            first = min(self._living.values(), key=lambda writer: writer.dies_at)
            left = first.dies_at - time.monotonic()
            if left <= 0:
                if not first.ready:
                    raise FleetError(f"a writer was not ready after {LONGEST_START_S:.0f} s")
                return first, "at random"
            for key, _ in self._selector.select(left):
                writer: Writer = key.data
                said = os.read(writer.pipe.fileno(), 4096)
                if not said:
                    raise FleetError(
                        f"a writer ended by itself with {writer.process.wait()}; "
                        "it told why on standard error"
                    )
                if b"at " in said:
                    return writer, str(writer.moment)
                writer.ready = True
                writer.dies_at = time.monotonic() + writer.delay

    def _end_all_at_once(self) -> list[Kill]:
        while not all(writer.ready for writer in self._living.values()):
            for writer in self._living.values():
                writer.dies_at = time.monotonic() + LONGEST_START_S
            writer, _ = self._next_to_die()
            writer.ready = True  # it has come to its moment, and is on its way or waits there
        time.sleep(self._dice.uniform(0, self._crew.at_random))
        return self._end(list(self._living.values()), "all at once")

    def _end(self, writers: list[Writer], moment: str) -> list[Kill]:
        for writer in writers:
            writer.process.kill()
        kills = []
        for writer in writers:
            code = writer.process.wait()
            self._forget(writer)
            self._close(writer)
            if code != -9:
                raise FleetError(f"a writer ended with {code} before it could be killed")
            left = self._left_in(writer.slot)
            kills.append(Kill(moment, left))
        return kills

    def _left_in(self, slot: int) -> tuple[Unsettled, ...]:
        journals = self._folder.glob(f"writer-{slot}-*")
        in_hand = [tx_id for path in journals if (tx_id := last_unfinished(path)) is not None]
        return tuple(left for tx_id in in_hand for left in self._place.left_by(tx_id) or ())

    def _forget(self, writer: Writer) -> None:
        del self._living[writer.slot]
        self._selector.unregister(writer.pipe)

    @staticmethod
    def _close(writer: Writer) -> None:
        writer.pipe.close()
        if writer.process.stdin is not None:
            with suppress(BrokenPipeError):
                writer.process.stdin.close()
