"""Is one password hashed at a time, and what comes of those that are too many?"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster.auth.passwords import PasswordHashing
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from tests.cluster.auth.world import PASSWORD, code_of

if TYPE_CHECKING:
    from pathlib import Path

HASHES = """
import asyncio, json, sys, time
from scalar_tx.cluster.auth.passwords import PasswordHashing

async def main():
    hashing = PasswordHashing(lock_path=sys.argv[1], patience=60)
    hash_it, spans = hashing._hasher.hash, []

    class Timed:
        def hash(self, password):
            began = time.monotonic()
            kept = hash_it(password)
            spans.append((began, time.monotonic()))
            return kept

    hashing._hasher = Timed()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(8):
        await hashing.hashed("a password of twelve")
    print(json.dumps(spans))

asyncio.run(main())
"""
LETS_OTHERS = """
import asyncio, json, os, threading
from scalar_tx.cluster.auth.passwords import PasswordHashing

def nice():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

async def main():
    hashing, before = PasswordHashing(), nice()
    there = await hashing._in_turn(nice)
    print(json.dumps([before, there, nice()]))
    await hashing.close()

asyncio.run(main())
"""
HOLDS = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""
SITS = """
import os, sys, time
from scalar_tx.cluster.auth.places import Places
places = Places(3, os.open(sys.argv[1], os.O_RDWR))
assert [places.take() for _ in range(4)] == [0, 1, 2, None]
print("held", flush=True)
time.sleep(60)
"""


class Held:
    """Holds up the real hasher until it is let go, and counts who is in it at once."""

    def __init__(self, hashing: PasswordHashing) -> None:
        self._hash: Any = hashing._hasher.hash
        self._inside = 0
        self.most = 0
        self.reached = threading.Event()
        self.go = threading.Event()
        setattr(hashing, "_hasher", self)  # noqa: B010  # of another type

    def hash(self, password: bytes) -> str:
        self._inside += 1
        self.most = max(self.most, self._inside)
        self.reached.set()
        assert self.go.wait(10)
        kept: str = self._hash(password)
        self._inside -= 1
        return kept

    async def wait(self) -> None:
        assert await asyncio.to_thread(self.reached.wait, 10)


async def test_a_few_wait_and_more_are_refused_before_hashing() -> None:
    hashing = PasswordHashing(waiting=3)
    held = Held(hashing)
    calls = [asyncio.create_task(hashing.hashed(PASSWORD)) for _ in range(10)]
    await held.wait()
    refused = [call for call in calls if call.done()]
    assert len(refused) == 6
    assert hashing.hashes == 1  # the first one only has begun
    for call in refused:
        error = call.exception()
        assert isinstance(error, TooManyAttemptsError)
        assert (error.code, error.retryable, error.retry_after) == ("STX-5205", True, 1)
    held.go.set()
    assert len({await call for call in calls if call not in refused}) == 4
    assert (hashing.hashes, held.most) == (4, 1)
    assert await hashing.hashed(PASSWORD)  # there is room again
    await hashing.close()


async def test_those_that_wait_are_counted_in_all_processes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    one, other = (PasswordHashing(waiting=2, lock_path=path) for _ in range(2))
    held = Held(one)
    calls = [asyncio.create_task(one.hashed(PASSWORD)) for _ in range(2)]
    await held.wait()
    late = asyncio.create_task(other.hashed(PASSWORD))
    await asyncio.sleep(0.05)
    assert not late.done()  # the third place
    assert await code_of(other.hashed(PASSWORD)) == "STX-5205"
    assert await code_of(one.hashed(PASSWORD)) == "STX-5205"
    assert other.hashes == 0
    held.go.set()
    await asyncio.gather(*calls, late)
    assert await other.hashed(PASSWORD)
    for hashing in (one, other):
        await hashing.close()


async def test_places_of_a_process_that_dies_are_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    hashing = PasswordHashing(waiting=2, lock_path=path)
    holder = subprocess.Popen(  # noqa: ASYNC220  # at once
        [sys.executable, "-c", SITS, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert await code_of(hashing.hashed(PASSWORD)) == "STX-5205"
    holder.kill()
    holder.communicate()
    assert await hashing.hashed(PASSWORD)
    await hashing.close()


async def test_who_has_gone_is_not_hashed_for() -> None:
    hashing = PasswordHashing(waiting=2)
    held = Held(hashing)
    calls = [asyncio.create_task(hashing.hashed(PASSWORD)) for _ in range(3)]
    await held.wait()
    for call in calls:
        call.cancel()
    await asyncio.sleep(0.01)
    # The two that waited left their places; the one in the thread keeps its own until it ends.
    later = [asyncio.create_task(hashing.hashed(PASSWORD)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert [call.done() for call in later] == [False, False, True]
    assert isinstance(later[2].exception(), TooManyAttemptsError)
    held.go.set()
    await asyncio.gather(*later[:2])
    assert (hashing.hashes, held.most) == (3, 1)
    assert hashing._places.held == 0
    await hashing.close()


def test_one_at_a_time_in_all_processes_of_a_node(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HASHES, str(tmp_path / "lock")]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate(timeout=60)[0] for worker in workers]
    each = [json.loads(text) for text in told]
    spans = sorted(span for spans in each for span in spans)
    assert len(spans) == 24
    # They did work at the same time, and never hashed at the same time.
    assert max(spans[0][0] for spans in each) < min(spans[-1][1] for spans in each)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


async def test_another_process_is_waited_for_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    hashing = PasswordHashing(lock_path=path, patience=0.2)
    command = [sys.executable, "-c", HOLDS, str(path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220  # at once
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    began = time.monotonic()
    assert await code_of(hashing.hashed(PASSWORD)) == "STX-5205"
    assert time.monotonic() - began >= 0.2
    assert hashing.hashes == 0
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert await hashing.hashed(PASSWORD)  # the lock of a dead process is nobody's
    await hashing.close()
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


async def test_the_loop_goes_on_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    hashing = PasswordHashing(lock_path=path)
    held = Held(hashing)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        call = asyncio.create_task(hashing.hashed(PASSWORD))
        await asyncio.sleep(0.05)
        assert not held.reached.is_set()  # it waits for the file, and we need not
    await held.wait()
    assert not call.done()
    held.go.set()
    assert await call
    await hashing.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority")
@pytest.mark.parametrize("more", [0, 17])
def test_a_hash_lets_others_go_first(more: int) -> None:
    own = min(19, os.getpriority(os.PRIO_PROCESS, 0) + more)
    said = subprocess.run(
        ["nice", "-n", str(more), sys.executable, "-c", LETS_OTHERS],
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(said.stdout) == [own, min(19, own + 5), own]
