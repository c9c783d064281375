"""How do the two runtimes run steps at once, later, and to their end?"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.runtime.aio import AsyncioRuntime, finish_before_cancelling
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking
from scalar_tx.runtime.worker_threads import WorkerThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    Step = Callable[[], Coroutine[Any, Any, Any]]


@pytest.fixture(params=[0, 3])
def blocking(request: pytest.FixtureRequest) -> Iterator[BlockingRuntime]:
    runtime = BlockingRuntime(request.param)
    yield runtime
    runtime.close()


def gives(value: object) -> Step:
    async def step() -> object:
        return value

    return step


def fails(error: Exception) -> Step:
    async def step() -> object:
        raise error

    return step


def test_results_and_errors_in_order(blocking: BlockingRuntime) -> None:
    wrong = LookupError()
    outcomes = run_blocking(blocking.run_all([gives(1), fails(wrong), gives(3)]))
    assert [(o.value, o.error) for o in outcomes] == [(1, None), (None, wrong), (3, None)]
    assert outcomes[0].result() == 1
    with pytest.raises(LookupError):
        outcomes[1].result()
    assert run_blocking(blocking.run_all([])) == []


def test_all_have_ended_when_it_returns() -> None:
    runtime = BlockingRuntime(3)
    ended = []

    def slow(number: int) -> Step:
        async def step() -> None:
            time.sleep(0.02 * number)  # noqa: ASYNC251
            ended.append(number)
            if number == 0:
                raise LookupError

        return step

    outcomes = run_blocking(runtime.run_all([slow(0), slow(1), slow(2)]))
    assert sorted(ended) == [0, 1, 2]
    assert isinstance(outcomes[0].error, LookupError)
    runtime.close()


def test_steps_run_at_once_on_the_pool() -> None:
    runtime = BlockingRuntime(3)
    meeting = threading.Barrier(3)

    async def meet() -> bool:
        meeting.wait(5)
        return True

    outcomes = run_blocking(runtime.run_all([meet, meet, meet]))
    assert [o.result() for o in outcomes] == [True] * 3
    runtime.close()


CALLER: ContextVar[str] = ContextVar("caller", default="nobody")


def knows_caller() -> Step:
    async def step() -> tuple[str, bool]:
        found = CALLER.get(), threading.current_thread() is threading.main_thread()
        CALLER.set("another")
        return found

    return step


def test_steps_know_the_context_of_their_caller() -> None:
    runtime = BlockingRuntime(2)
    threads = WorkerThreads(1)
    token = CALLER.set("me")
    try:
        outcomes = run_blocking(runtime.run_all([knows_caller(), knows_caller()]))
        alone = asyncio.run(threads.run(knows_caller()()))
        assert [*(one.value for one in outcomes), alone] == [("me", False)] * 3
        assert CALLER.get() == "me"
    finally:
        CALLER.reset(token)
        runtime.close()
        threads.close()


def test_steps_inside_a_step_run_inline() -> None:
    """All threads of the pool are busy with steps that have steps of their own."""
    runtime = BlockingRuntime(2)

    async def nested() -> tuple[set[int], int]:
        async def thread() -> int:
            return threading.get_ident()

        inner = await runtime.run_all([thread] * 3)
        return {o.result() for o in inner}, threading.get_ident()

    for outcome in run_blocking(runtime.run_all([nested] * 4)):
        inside, outside = outcome.result()
        assert inside == {outside}
    runtime.close()


def test_later(blocking: BlockingRuntime) -> None:
    ran = []

    async def step() -> None:
        ran.append(threading.get_ident())

    ended = threading.Event()

    async def last() -> None:
        ended.set()

    async def wait(laters: list[Any]) -> None:
        for later in laters:
            await later.done()

    laters = [blocking.run_later(each) for each in (step, step, step, last)]
    assert ended.wait(10)  # nobody has to ask for it
    assert threading.get_ident() not in ran
    run_blocking(wait([*laters, blocking.run_later(step)]))
    assert len(ran) == 4
    failing = blocking.run_later(fails(LookupError()))
    with pytest.raises(LookupError):
        run_blocking(failing.done())


def test_closing_finishes_what_was_begun() -> None:
    runtime = BlockingRuntime()
    ran = []

    async def step() -> None:
        time.sleep(0.005)  # noqa: ASYNC251
        ran.append(1)

    for _ in range(10):
        runtime.run_later(step)
    runtime.close()
    assert len(ran) == 10
    runtime.close()
    runtime.run_later(step)  # and it can be used again
    runtime.close()
    assert len(ran) == 11


def test_time_and_ids(blocking: BlockingRuntime) -> None:
    for runtime in (blocking, AsyncioRuntime()):
        assert abs(runtime.now_ms() - time.time() * 1000) < 1000
        assert runtime.elapsed() <= runtime.elapsed()
        assert all(0 <= runtime.chance() < 1 for _ in range(50))
        assert runtime.new_id() != runtime.new_id()


def test_what_suspends_is_a_fault() -> None:
    async def suspends() -> None:
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="suspended"):
        run_blocking(suspends())


def test_under_asyncio() -> None:
    async def body() -> None:
        runtime = AsyncioRuntime()
        order: list[str] = []

        async def slow() -> str:
            await runtime.sleep(0.01)
            order.append("slow")
            return "slow"

        async def later() -> None:
            await slow()

        async def quick() -> str:
            order.append("quick")
            raise LookupError

        outcomes = await runtime.run_all([slow, quick])
        assert order == ["quick", "slow"]
        assert outcomes[0].result() == "slow"
        assert isinstance(outcomes[1].error, LookupError)
        runtime.run_later(later)  # nobody waits for it but close
        failing = runtime.run_later(fails(LookupError()))
        with pytest.raises(LookupError):
            await failing.done()
        await runtime.close()
        assert order == ["quick", "slow", "slow"]

    asyncio.run(body())


def test_a_driver_s_future_is_awaited() -> None:
    async def body() -> None:
        from concurrent.futures import Future

        future: Future[int] = Future()
        asyncio.get_running_loop().call_later(0.01, future.set_result, 5)
        assert await AsyncioRuntime().wait(future) == 5
        assert await AsyncioRuntime().wait(asyncio.sleep(0, 6)) == 6

    asyncio.run(body())


@pytest.mark.parametrize("fails_at_the_end", [False, True])
def test_steps_end_before_a_cancellation_is_raised(fails_at_the_end: bool) -> None:
    async def body() -> None:
        ended = []

        async def steps() -> str:
            await asyncio.sleep(0.02)
            ended.append(1)
            if fails_at_the_end:
                raise LookupError
            return "done"

        task = asyncio.create_task(finish_before_cancelling(steps()))
        await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [1]

    asyncio.run(body())


@pytest.mark.parametrize("cancels", [True, False])
def test_who_was_cancelled_or_met_an_error_is_freed_at_once(cancels: bool) -> None:
    class Held:
        """Only its caller knows it."""

    async def fails_late() -> None:
        await asyncio.sleep(0.01)
        raise LookupError

    async def body() -> None:
        async def caller(held: Held) -> None:
            await finish_before_cancelling(fails_late())

        held = Held()
        known, task = weakref.ref(held), asyncio.create_task(caller(held))
        del held
        await asyncio.sleep(0)
        if cancels:
            task.cancel()
        with suppress(asyncio.CancelledError, LookupError):
            await task
        del task
        await asyncio.sleep(0)  # the loop holds what it has just called
        assert known() is None

    gc.disable()
    try:
        asyncio.run(body())
    finally:
        gc.enable()


def test_steps_that_are_not_cancelled_give_their_result() -> None:
    async def body() -> None:
        assert await finish_before_cancelling(gives(5)()) == 5
        with pytest.raises(LookupError):
            await finish_before_cancelling(fails(LookupError())())

    asyncio.run(body())


def test_a_cancellation_that_meets_a_signal_is_not_lost() -> None:
    async def run() -> None:
        signal = AsyncioRuntime().signal()
        waiting = asyncio.ensure_future(signal.wait(10))
        await asyncio.sleep(0)
        signal.give()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
