"""Does a pause wait for what has begun, and for nothing else?"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.cluster.gate import Admission, Gate, GateClosedError


def test_a_closed_gate_admits_nothing_and_opens_again() -> None:
    gate = Gate()
    gate.close()
    gate.close()
    with pytest.raises(GateClosedError):
        gate.admit()
    assert gate.outstanding == 0
    gate.open()
    gate.open()
    with gate.admit():
        assert gate.outstanding == 1
    assert gate.outstanding == 0


def test_a_gate_may_be_closed_from_the_start() -> None:
    with pytest.raises(GateClosedError):
        Gate(closed=True).admit()


def test_what_was_admitted_goes_on_while_the_gate_drains() -> None:
    async def steps() -> None:
        gate = Gate()
        first, second = gate.admit(), gate.admit()
        gate.close()
        waiting = asyncio.ensure_future(gate.drained(30))
        for admission in (first, second):
            await asyncio.sleep(0)
            assert not waiting.done()
            admission.release()
        assert await waiting
        assert gate.closed

    asyncio.run(steps())


def test_waiting_ends_in_time() -> None:
    async def steps() -> None:
        gate = Gate()
        admission = gate.admit()
        assert not await gate.drained(0)
        assert not await gate.drained(0.01)
        admission.release()
        assert await gate.drained(0)

    asyncio.run(steps())


def test_a_cancelled_wait_leaves_the_gate_usable() -> None:
    async def steps() -> None:
        gate = Gate()
        admission = gate.admit()
        waiting = asyncio.ensure_future(gate.drained(30))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        admission.release()
        assert await gate.drained(0)

    asyncio.run(steps())


def test_an_error_releases_too() -> None:
    gate = Gate()

    def fail() -> None:
        with gate.admit():
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert gate.outstanding == 0


@given(st.lists(st.tuples(st.sampled_from(["admit", "release", "close", "open"]), st.integers())))
def test_each_admission_counts_once_whatever_happens(steps: list[tuple[str, int]]) -> None:
    gate, made, left = Gate(), list[Admission](), set[int]()
    for step, number in steps:
        if step == "admit" and gate.closed:
            with pytest.raises(GateClosedError):
                gate.admit()
        elif step == "admit":
            left.add(len(made))
            made.append(gate.admit())
        elif step == "release" and made:
            made[number % len(made)].release()
            left.discard(number % len(made))
        elif step == "close":
            gate.close()
        elif step == "open":
            gate.open()
        assert gate.outstanding == len(left)
    for admission in made * 2:
        admission.release()
    assert gate.outstanding == 0
    assert asyncio.run(gate.drained(0))


@pytest.mark.parametrize("closed", [False, True])
def test_whoever_is_cancelled_while_it_is_admitted_is_not_admitted(closed: bool) -> None:
    """Also if the gate opens at the same moment."""

    async def run() -> None:
        gate = Gate(closed=closed)
        for turns in range(6):
            if closed:
                gate.close()
            waiting = asyncio.ensure_future(gate.admit_later(5))
            for _ in range(turns):
                await asyncio.sleep(0)
            if waiting.done():
                waiting.result().release()
                continue
            gate.open()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert gate.outstanding == 0

    asyncio.run(run())
