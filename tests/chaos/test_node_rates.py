"""Are those who wait for a dead node told from those who only share the machine with others?"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import pytest

from tests.chaos.bank import Work
from tests.chaos.journal import Entry
from tests.chaos.node_clients import Told
from tests.chaos.node_rates import Measured, Rate, longest_gap, measured, rate

if TYPE_CHECKING:
    from collections.abc import Iterator

MEASURED_S = 1.0


class Committer:
    """A client whose transactions are a little work, and after each a wait."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.waits_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            sum(range(100_000))
            now = time.monotonic_ns()
            self.told.committed(Entry("t", Work("note"), "t", False, now), [])
            time.sleep(self.waits_s)


@contextmanager
def others_at_work(programs: int) -> Iterator[None]:
    started = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(programs)
    ]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


@pytest.mark.slow
def test_who_waits_is_not_at_full_rate() -> None:
    with Committer(Told()) as client:
        before = measured(client.told, [], MEASURED_S)
        client.waits_s = 0.05
        after = measured(client.told, [], MEASURED_S)
    assert not rate(before, [after]).full
    assert rate(before, [before]).full


@pytest.mark.slow
def test_who_has_to_share_with_others_is() -> None:
    # What else the machine does meanwhile scatters both: one time of three is enough.
    tries: list[Rate] = []
    while not any(one.full and one.plain[1] < one.plain[0] for one in tries):
        assert len(tries) < 3, tries
        with Committer(Told()) as client:
            before = measured(client.told, [], MEASURED_S)
            with others_at_work(8):
                after = measured(client.told, [], 2 * MEASURED_S)
        tries.append(rate(before, [after]))


def test_the_longest_gap_counts_from_the_kill_and_to_the_end() -> None:
    second = 10**9
    assert longest_gap([], 100, 5) == 5
    assert longest_gap([3 * second, second], 0, 5) == 2
    assert longest_gap([second, 2 * second], 0, 5) == 3


def test_the_best_two_seconds_in_a_row_count() -> None:
    slow, fast = Measured(10, 1.0), Measured(100, 1.0)
    assert not rate(fast, [slow, fast, slow, fast, slow]).full
    assert rate(fast, [slow, slow, slow, fast, fast]).full
    assert rate(fast, [slow, slow, slow, fast, fast]).share == 1
    halved = Measured(50, 2.0)  # by others
    assert rate(fast, [slow, halved, halved]).full
