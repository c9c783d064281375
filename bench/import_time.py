"""How long does ``import scalar_tx`` take, beyond Python's own start?"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
BARE: Final = "pass"
OURS: Final = "import scalar_tx"


@dataclass(frozen=True)
class Start:
    """How long a start of Python took, in seconds: by the wall clock, and of the CPU."""

    wall: float
    cpu: float


def _start(code: str, environment: dict[str, str]) -> Start:
    begun, spent = time.perf_counter(), _cpu_of_children()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)  # noqa: S603  # our own text
    return Start(time.perf_counter() - begun, _cpu_of_children() - spent)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def import_time(times: int) -> tuple[Start, Start]:
    """The medians of bare Python's start, and of what the import adds to it.

    The two take turns, so that the machine's other work meets both alike. Modules are compiled
    beforehand, as an installed package's are, whatever this environment says about that.
    """
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        _start(OURS, environment)  # compiles
        pairs = [(_start(BARE, environment), _start(OURS, environment)) for _ in range(times)]
    bare = [bare for bare, _ in pairs]
    added = [Start(ours.wall - bare.wall, ours.cpu - bare.cpu) for bare, ours in pairs]
    return _median(bare), _median(added)


def _median(starts: list[Start]) -> Start:
    return Start(
        statistics.median(start.wall for start in starts),
        statistics.median(start.cpu for start in starts),
    )
