"""Do calls run in their threads, and hear of their end, whatever becomes of who waits?"""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from scalar_tx.runtime.loop_calls import LoopCalls
from scalar_tx.runtime.worker_threads import WorkerThreads

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 10.0


async def where() -> int:
    return threading.get_ident()


async def fails() -> None:
    raise LookupError("it")


class Held:
    """Steps that block until they are let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.ended = threading.Event()

    async def steps(self) -> str:
        self.begun.set()
        assert self.may_end.wait(SECONDS)
        self.ended.set()
        return "done"


async def has_begun(held: Held) -> None:
    assert await asyncio.to_thread(held.begun.wait, SECONDS)


@pytest.fixture
def alive() -> Callable[[], int]:
    """How many of the threads live that this test has begun."""
    others = set(threading.enumerate())

    def count() -> int:
        here = set(threading.enumerate()) - others
        return sum(one.name.startswith("scalar_tx call") for one in here)

    return count


def test_calls_run_in_so_many_threads_and_not_on_the_loop(alive: Callable[[], int]) -> None:
    async def body() -> None:
        threads = WorkerThreads(2)
        found = await asyncio.gather(*(threads.run(where()) for _ in range(50)))
        assert threading.get_ident() not in found
        assert 1 <= len(set(found)) <= 2
        with pytest.raises(LookupError, match="it"):
            await threads.run(fails())
        threads.close()
        threads.close()
        assert alive() == 0

    asyncio.run(body())


def test_a_thread_is_begun_only_if_none_is_free(alive: Callable[[], int]) -> None:
    async def body() -> None:
        threads = WorkerThreads(8)
        for _ in range(20):
            await threads.run(where())
        before = alive()
        assert before < 8  # one would do, but it may not yet be free when the next call comes
        held = [Held() for _ in range(4)]
        calls = [asyncio.create_task(threads.run(one.steps())) for one in held]
        for one in held:
            await has_begun(one)
        assert alive() == max(before, 4)
        for one in held:
            one.may_end.set()
        assert await asyncio.gather(*calls) == ["done"] * 4
        threads.close()

    asyncio.run(body())


def test_a_call_ends_before_its_cancellation_is_raised() -> None:
    async def body() -> None:
        threads, held = WorkerThreads(1), Held()
        call = asyncio.create_task(threads.run(held.steps()))
        await has_begun(held)
        call.cancel()
        await asyncio.sleep(0)
        assert not call.done()
        held.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert held.ended.is_set()
        threads.close()

    asyncio.run(body())


def test_the_end_waits_for_what_was_taken_and_refuses_nothing() -> None:
    async def body() -> None:
        threads, held = WorkerThreads(1), Held()
        calls = [asyncio.create_task(threads.run(one)) for one in (held.steps(), where())]
        await has_begun(held)
        threading.Timer(0.05, held.may_end.set).start()
        threads.close()
        assert held.ended.is_set()
        assert (await asyncio.gather(*calls))[0] == "done"
        # Behind the end the storage says what is wrong.
        assert await threads.run(where()) != threading.get_ident()

    asyncio.run(body())


def test_they_serve_one_loop_after_the_other() -> None:
    threads = WorkerThreads(1)
    found = {asyncio.run(threads.run(where())) for _ in range(3)}
    assert len(found) == 1
    threads.close()


def test_a_loop_that_has_ended_is_not_waited_for() -> None:
    threads, held = WorkerThreads(1), Held()
    loop = asyncio.new_event_loop()
    call = loop.create_task(threads.run(held.steps()))
    loop.run_until_complete(has_begun(held))
    loop.close()
    held.may_end.set()
    assert held.ended.wait(SECONDS)
    assert asyncio.run(threads.run(where()))  # its thread has lived on
    threads.close()
    del call


def test_who_is_forgotten_leaves_no_thread(alive: Callable[[], int]) -> None:
    asyncio.run(WorkerThreads(1).run(where()))
    gc.collect()
    assert alive() == 0


PROGRAM = """
import asyncio, os, sys, time
from scalar_tx.runtime.worker_threads import WorkerThreads

async def slow():
    time.sleep(0.2)
    print("ended", flush=True)

async def body():
    asyncio.create_task(threads.run(slow()))
    await asyncio.sleep(0.05)

threads = WorkerThreads(2)
loop = asyncio.new_event_loop()
loop.run_until_complete(body())
if sys.argv[1] == "forks":
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        print("forked", flush=True)
"""


@pytest.mark.parametrize("how, says", [("alone", "ended"), ("forks", "ended\nforked")])
def test_a_program_ends_behind_the_calls_that_run(how: str, says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, how],
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert sorted(done.stdout.split()) == sorted(says.split())


class CountedLoop(asyncio.SelectorEventLoop):
    """A loop that counts how often it was woken."""

    wakes = 0

    def call_soon_threadsafe(self, *arguments: object, **keywords: object) -> asyncio.Handle:
        self.wakes += 1
        return super().call_soon_threadsafe(*arguments, **keywords)  # type: ignore[arg-type]


@pytest.fixture
def loop() -> CountedLoop:
    return CountedLoop()


def noting(number: int, made: list[int]) -> Callable[[], None]:
    return lambda: made.append(number)


def test_many_calls_wake_their_loop_once_and_are_made_in_order(loop: CountedLoop) -> None:
    calls, made = LoopCalls(loop), list[int]()
    for number in range(100):
        calls.hand(noting(number, made))
    assert loop.wakes == 1
    loop.run_until_complete(asyncio.sleep(0))
    assert made == list(range(100))
    calls.hand(noting(100, made))
    assert loop.wakes == 2
    loop.run_until_complete(asyncio.sleep(0))
    assert made[-1] == 100
    loop.close()
    calls.hand(noting(101, made))
    assert made[-1] == 100


def test_a_call_handed_over_by_a_call_is_made_after_others_had_their_turn(
    loop: CountedLoop,
) -> None:
    calls, made = LoopCalls(loop), list[int]()

    def again() -> None:
        made.append(1)
        calls.hand(noting(2, made))
        loop.call_soon(made.append, 3)

    calls.hand(again)
    loop.run_until_complete(asyncio.sleep(0.01))
    assert sorted(made) == [1, 2, 3]
    assert loop.wakes == 2
    loop.close()


def test_no_call_of_many_threads_is_lost(loop: CountedLoop) -> None:
    calls, made = LoopCalls(loop), list[int]()

    def hand_some(first: int) -> None:
        for number in range(first, first + 2000):
            calls.hand(noting(number, made))

    async def all_made() -> None:
        end = time.monotonic() + SECONDS
        while len(made) < 8000:
            assert time.monotonic() < end, len(made)
            await asyncio.sleep(0.001)

    threads = [threading.Thread(target=hand_some, args=(2000 * one,)) for one in range(4)]
    for one in threads:
        one.start()
    loop.run_until_complete(all_made())
    for one in threads:
        one.join()
    assert sorted(made) == list(range(8000))
    loop.close()
