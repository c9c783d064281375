"""Are a caller's watches counted over all workers of a node, and those of dead ones no more?"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.errors import TooManyRequestsError
from scalar_auditor.event.watch_places import MOST_WATCHES, WatchPlaces
from scalar_tx import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLDS = """
import sys
from contextlib import ExitStack
from scalar_auditor.event.watch_places import WatchPlaces
places, stack = WatchPlaces(sys.argv[1]), ExitStack()
for _ in range(int(sys.argv[2])):
    stack.enter_context(places.place_of("ada"))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watches"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another worker, in which the caller has all but one of their watches."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(path), str(MOST_WATCHES - 1)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def watches(places: WatchPlaces, who: str, stack: ExitStack) -> int:
    """How many more a caller gets, of which none is left before the stack is."""
    found = itertools.takewhile(bool, (got(places, who, stack) for _ in range(100)))
    return sum(found)


def got(places: WatchPlaces, who: str, stack: ExitStack) -> bool:
    with suppress(TooManyRequestsError):
        stack.enter_context(places.place_of(who))
        return True
    return False


def test_they_are_those_of_all_workers(path: Path) -> None:
    workers = [WatchPlaces(path) for _ in range(3)]
    with ExitStack() as first, ExitStack() as others:
        for _ in range(3):
            first.enter_context(workers[0].place_of("ada"))
        assert watches(workers[1], "ada", others) == MOST_WATCHES - 3
        assert [watches(worker, "ada", others) for worker in workers] == [0, 0, 0]
        # Each caller has as many.
        assert watches(workers[2], "bob", others) == MOST_WATCHES
        # What one worker lets go of, another one has.
        first.close()
        assert watches(workers[2], "ada", others) == 3
        assert [worker.callers for worker in workers] == [0, 1, 2]
    assert [worker.callers for worker in workers] == [0, 0, 0]
    with ExitStack() as stack:
        assert watches(workers[1], "ada", stack) == MOST_WATCHES


def test_without_a_file_they_are_those_of_this_process() -> None:
    places = WatchPlaces()
    for _ in range(2):
        with ExitStack() as stack:
            assert watches(places, "ada", stack) == MOST_WATCHES
            assert watches(places, "bob", stack) == MOST_WATCHES
    assert places.callers == 0


def test_what_a_killed_worker_held_is_free(path: Path, holder: subprocess.Popen[str]) -> None:
    places = WatchPlaces(path)
    with ExitStack() as stack:
        assert watches(places, "ada", stack) == 1
        holder.kill()
        holder.wait(10)
        assert watches(places, "ada", stack) == MOST_WATCHES - 1


async def ended(places: WatchPlaces) -> None:
    await places.close()


def test_a_worker_that_ends_while_somebody_watches(path: Path) -> None:
    """Its watches are told to end, and may be at it still."""
    places = WatchPlaces(path)
    with ExitStack() as stack:
        stack.enter_context(places.place_of("ada"))
        with pytest.raises(StopIteration):
            ended(places).send(None)
        assert watches(places, "ada", stack) == MOST_WATCHES - 1
    with pytest.raises(StopIteration):
        ended(places).send(None)


def test_a_file_that_can_t_be_made(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="STX-5206"):
        WatchPlaces(tmp_path / "no such folder" / "watches")
