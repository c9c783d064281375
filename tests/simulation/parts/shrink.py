"""What of a failing run is needed for its failure?

The run's numbers are kept on a tape, a stream for each concern. Parts of it are made 0 (the
simplest: no fault, whoever ran last goes on) or cut out, and what fails in the same way is kept.
It works for any run that draws all its chance from named streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.simulation.parts.dice import WANTED, Recorded, Replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.simulation.parts.report import Report, Run

Tape = dict[str, list[float]]
MOST_RUNS: Final = 3000


@dataclass(slots=True)
class Shrunk:
    """The smallest tape found, its report with a trace, and how it was found."""

    tape: Tape
    report: Report
    runs: int
    numbers_before: int

    @property
    def numbers(self) -> int:
        """How many numbers of the tape are not the simplest."""
        return _weight(self.tape)


def shrink(
    run: Run, seed: int, *, most_runs: int = MOST_RUNS, progress: Callable[[int, int], None]
) -> Shrunk:
    """Make a failing seed's run as simple as it will get; ``progress`` hears (runs, numbers left).

    ValueError if the seed does not fail.
    """
    chance = Recorded(seed)
    checks = run(chance).checks
    if not checks:
        raise ValueError(f"seed {seed} does not fail: there is nothing to shrink")
    search = _Search(run, checks, chance.tape, most_runs, progress)
    before = _weight(chance.tape)
    search.go()
    report = run(Replayed(search.tape), trace=True)
    return Shrunk(search.tape, report, search.runs, before)


def _weight(tape: Mapping[str, list[float]]) -> int:
    return sum(1 for stream in tape.values() for number in stream if number)


class _Search:
    def __init__(
        self,
        run: Run,
        checks: set[str],
        tape: Tape,
        most_runs: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self._run = run
        self._checks = checks
        self._most_runs = most_runs
        self._progress = progress
        self.tape = {name: list(stream) for name, stream in tape.items()}
        self.runs = 0

    def go(self) -> None:
        """Until nothing can be left out, or until it has taken long enough."""
        while self.runs < self._most_runs:
            before = _weight(self.tape), sum(map(len, self.tape.values()))
            for name in list(self.tape):
                self._try({**self.tape, name: []})
            for name in sorted(self.tape, key=lambda name: len(self.tape[name])):
                for candidate in self._simpler(name):
                    if self.runs >= self._most_runs:
                        return
                    self._try({**self.tape, name: candidate})
            if before == (_weight(self.tape), sum(map(len, self.tape.values()))):
                return

    def _simpler(self, name: str) -> Iterator[list[float]]:
        """Parts made 0 and parts cut out, the large ones first; from the tape as it is by then."""
        size = max(1, len(self.tape[name]) // 2)
        while True:
            at = 0
            while at < len(self.tape[name]):
                stream = self.tape[name]
                part = stream[at : at + size]
                if any(part):
                    yield [*stream[:at], *[0.0] * len(part), *stream[at + size :]]
                    if size == 1 and part[0] != WANTED and self.tape[name] is stream:
                        yield [*stream[:at], part[0] / 2, *stream[at + 1 :]]
                if self.tape[name] is stream:
                    yield [*stream[:at], *stream[at + size :]]
                if len(self.tape[name]) == len(stream):
                    at += size
            if size == 1:
                return
            size //= 2

    def _try(self, tape: Tape) -> None:
        if tape == self.tape:
            return
        self.runs += 1
        chance = Replayed(tape)
        report = self._run(chance)
        if report.checks & self._checks:
            self._checks &= report.checks
            # What was not asked for is not needed.
            self.tape = {
                name: _without_end(stream[: chance.used.get(name, 0)])
                for name, stream in tape.items()
            }
            self._progress(self.runs, _weight(self.tape))


def _without_end(stream: list[float]) -> list[float]:
    while stream and not stream[-1]:
        stream = stream[:-1]
    return stream
