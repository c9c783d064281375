"""The processes of the tour, as their parent sees them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scalar_tx.cli.demo.job import Event, Job, LogReader

if TYPE_CHECKING:
    from types import TracebackType

    from scalar_tx.cli.demo.place import Place


class Crew:
    """Starts processes, reads their logs, kills one, ends the others.

    The first process halts in mid-commit ``dies_after`` seconds after its start. Whatever happens,
    none outlives the ``with`` block.
    """

    def __init__(self, place: Place, *, size: int, dies_after: float) -> None:
        folder = place.folder
        self._end = folder / "end"
        self._jobs = [
            Job(
                name=f"process{number}",
                target=place.target,
                log=str(folder / f"process{number}.log"),
                end=str(self._end),
                dies_after=dies_after if number == 1 else None,
                storages="+".join(place.bank.storages),
            )
            for number in range(1, size + 1)
        ]
        self._logs = [LogReader(job.log) for job in self._jobs]
        self._errors = folder / "errors.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.events: Counter[Event] = Counter()
        self.reruns = 0
        self.acknowledged: list[str] = []
        self.halted: dict[str, Any] | None = None
        self.unsure: list[str] = []

    def __enter__(self) -> Self:
        """Start all processes."""
        # The same modules as here, wherever they came from.
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        with self._errors.open("wb") as errors:
            for job in self._jobs:
                command = [sys.executable, "-m", "scalar_tx.cli.demo.worker", job.to_text()]
                self._processes.append(
                    subprocess.Popen(  # noqa: S603  # our own module
                        command, env={**os.environ, "PYTHONPATH": path}, stderr=errors
                    )
                )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave no process behind."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def listen(self) -> None:
        """Read what was reported since the last time."""
        for log in self._logs:
            for line in log.new_lines():
                event = Event(line["event"])
                self.events[event] += 1
                self.reruns += max(0, line.get("attempts", 1) - 1)
                if event is Event.COMMITTED:
                    self.acknowledged.append(line["reference"])
                elif event is Event.PREPARED:
                    self.halted = line
                elif event is Event.FAILED:
                    self.unsure.append(line["reference"])

    @property
    def died_by_themselves(self) -> list[str]:
        """What is wrong with processes that ended although nobody told them to."""
        ended = [p for p in self._processes if p.poll() not in (None, 0) and not self._is_killed(p)]
        if not ended:
            return []
        last = self._errors.read_text(errors="replace").strip().splitlines()[-1:]
        return [
            f"{len(ended)} processes ended by themselves: {' '.join(last) or 'no reason given'}"
        ]

    def _is_killed(self, process: subprocess.Popen[bytes]) -> bool:
        return process is self._processes[0] and self.halted is not None

    def kill_halted(self) -> int:
        """``kill -9`` the process that halted in mid-commit; its process id."""
        process = self._processes[0]
        process.kill()
        process.wait()
        return process.pid

    def end(self, patience: float) -> list[str]:
        """Tell the others to end, and wait; what went wrong."""
        self._end.touch()
        problems = []
        for process in self._processes[1:]:
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                problems.append(f"the process {process.pid} did not end in {patience:g} s")
        problems += self.died_by_themselves
        self.listen()
        return problems
