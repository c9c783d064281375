"""Does background work end, whatever becomes of its thread?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.runtime import blocking
from scalar_tx.runtime.blocking import BlockingRuntime, run_blocking

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any


def threads_of_the_runtime() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "scalar_tx later"}


def note_in(done: list[str], text: str) -> Callable[[], Coroutine[Any, Any, None]]:
    async def step() -> None:
        done.append(text)

    return step


def test_without_a_thread_it_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next work does not wait for a thread that was never started."""
    runtime = BlockingRuntime(workers=2)
    done: list[str] = []

    def no_threads(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_threads)
        run_blocking(runtime.run_later(note_in(done, "now")).done())
        assert done == ["now"]
        outcomes = run_blocking(runtime.run_all([note_in(done, "a"), note_in(done, "b")]))
        assert [type(outcome.error) for outcome in outcomes] == 2 * [StorageUnavailableError]
    run_blocking(runtime.run_later(note_in(done, "later")).done())
    assert "later" in done
    runtime.close()


def test_a_closed_runtime_does_it_at_once_and_keeps_no_thread() -> None:
    before = threads_of_the_runtime()
    runtime = BlockingRuntime(workers=2)
    done: list[str] = []
    run_blocking(runtime.run_later(note_in(done, "open")).done())
    runtime.close()
    run_blocking(runtime.run_later(note_in(done, "closed")).done())
    run_blocking(runtime.run_all([note_in(done, "a"), note_in(done, "b")]))
    assert done == ["open", "closed", "a", "b"]
    assert threads_of_the_runtime() <= before


def test_closing_does_not_wait_for_those_who_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that hand over work without a pause are no reason to wait until the time limit."""
    monkeypatch.setattr(blocking, "_LONGEST_WAIT", 20.0)
    for _ in range(20):
        runtime = BlockingRuntime()
        over = threading.Event()

        def hand_over(runtime: BlockingRuntime = runtime, over: threading.Event = over) -> None:
            while not over.is_set():
                runtime.run_later(note_in([], "work"))

        threads = [threading.Thread(target=hand_over) for _ in range(3)]
        for thread in threads:
            thread.start()
        closing = threading.Thread(target=runtime.close)
        closing.start()
        closing.join(10)
        over.set()
        for thread in threads:
            thread.join()
        assert not closing.is_alive()


def test_what_takes_too_long_is_an_error_that_callers_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocking, "_LONGEST_WAIT", 0.01)
    runtime = BlockingRuntime()
    begun, gate = threading.Event(), threading.Event()

    async def slow() -> None:
        begun.set()
        gate.wait(10)

    later = runtime.run_later(slow)
    assert begun.wait(10)
    with pytest.raises(StorageUnavailableError):
        run_blocking(later.done())
    gate.set()
    runtime.close()


def test_nobody_waits_behind_the_work_of_others() -> None:
    """A storage that hangs holds the background thread; what another one needs is done at once."""
    runtime = BlockingRuntime()
    done: list[str] = []
    gate = threading.Event()

    async def slow() -> None:
        gate.wait(20)
        done.append("slow")

    hanging = runtime.run_later(slow)
    run_blocking(runtime.run_later(note_in(done, "quick")).done())
    assert done == ["quick"]
    gate.set()
    run_blocking(hanging.done())
    runtime.close()
    assert done == ["quick", "slow"]  # once each
