"""How do our clients take their turn? One process or several, which begin at one moment."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from bench.beside.tally import Tally, together
from bench.import_time import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS: Final = "bench.beside.our_clients"
START_SECONDS: Final = 1.0  # from the last one's "ready" to the common beginning


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """How many clients a process has, and when they work; what they do is another's matter."""

    clients: int
    seed: int
    warm_up: float
    seconds: float


def turn(orders: Timetable, processes: int, program: str = CLIENTS) -> Tally:
    """Share the clients among processes of a program, and run them."""
    with ExitStack() as running:
        started = [
            running.enter_context(
                _process(
                    program, replace(orders, clients=clients, seed=orders.seed + 1000 * number)
                )
            )
            for number, clients in enumerate(shares(orders.clients, processes))
        ]
        begin = time.monotonic() + START_SECONDS
        for one in started:
            assert one.stdin is not None
            one.stdin.write(f"{begin}\n")
            one.stdin.flush()
        return together(map(_tally, started))


def shares(clients: int, processes: int) -> list[int]:
    """How many clients each process has."""
    share, more = divmod(clients, processes)
    return [share + (number < more) for number in range(processes)]


def _tally(process: subprocess.Popen[str]) -> Tally:
    assert process.stdout is not None
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError("our clients ended early; their error stands above")
    return Tally.from_json(json.loads(answer))


@contextmanager
def _process(program: str, orders: Timetable) -> Iterator[subprocess.Popen[str]]:
    """A process of clients, connected and waiting for its beginning."""
    with subprocess.Popen(  # noqa: S603  # a module of ours
        [sys.executable, "-m", program, json.dumps(vars(orders))],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            assert started.stdout is not None
            if started.stdout.readline() != "ready\n":
                raise RuntimeError("our clients could not connect; their error stands above")
            yield started
        finally:
            if sys.exc_info()[0] is not None:
                started.kill()
