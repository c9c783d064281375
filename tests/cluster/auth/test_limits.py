"""How often may somebody try to log in?"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.auth.world import Clock

HOLDS = """
import fcntl, sys, time
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


async def refused(limits: LogInLimits, name: str) -> float:
    with pytest.raises(TooManyAttemptsError) as caught:
        await limits.admit(name)
    assert (caught.value.code, caught.value.retryable) == ("STX-5204", True)
    assert caught.value.retry_after is not None
    return caught.value.retry_after


async def test_so_many_a_second(clock: Clock) -> None:
    limits = LogInLimits(a_second=10, elapsed=clock.elapsed)
    for n in range(10):
        await limits.admit(f"user{n}")
    assert 0 < await refused(limits, "another") <= 0.1
    admitted = 0
    for _ in range(1000):  # ten seconds, a hundred tries each
        clock.move(0.01)
        try:
            await limits.admit("somebody")
        except TooManyAttemptsError:
            continue
        admitted += 1
    assert 99 <= admitted <= 100
    clock.move(1000)
    for n in range(10):  # no more than a second's worth is saved up
        await limits.admit(f"user{n}")
    await refused(limits, "another")


async def test_one_address_has_half_of_the_tries_of_a_second(clock: Clock) -> None:
    limits = LogInLimits(a_second=10, elapsed=clock.elapsed)

    waits: list[float] = []

    async def admitted(address: str, tries: int) -> int:
        let_in = 0
        for n in range(tries):
            try:
                await limits.admit(f"user{n}", address)
            except TooManyAttemptsError as error:
                waits.append(error.retry_after or 0.0)
                continue
            let_in += 1
        return let_in

    assert await admitted("192.0.2.1", 100) == 5
    assert await admitted("192.0.2.2", 3) == 3  # what the first was refused, they have
    assert await admitted("", 100) == 2  # of all together there are ten
    assert await admitted("192.0.2.3", 100) == 0
    flooding = others = 0
    for _ in range(1000):  # ten seconds
        clock.move(0.01)
        flooding += await admitted("192.0.2.1", 1)
        others += await admitted("192.0.2.4", 1)
    assert 49 <= flooding <= 50
    assert 49 <= others <= 55
    assert min(waits) > 0
    assert max(waits) <= 0.2 + 1e-6


async def test_a_pause_that_doubles(clock: Clock) -> None:
    limits = LogInLimits(a_second=1000, elapsed=clock.elapsed)
    pauses = []
    for _ in range(14):
        await limits.admit("ada")
        await limits.failed("ada")
        try:
            await limits.admit("ada")
        except TooManyAttemptsError as error:
            pauses.append(error.retry_after)
            clock.move(error.retry_after or 0)
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], abs=0.001)
    await limits.admit("bob")  # nobody else waits
    await limits.succeeded("ada")
    await limits.admit("ada")
    assert limits.remembered == 0


async def test_what_is_refused_lengthens_nothing(clock: Clock) -> None:
    limits = LogInLimits(a_second=1000, elapsed=clock.elapsed)
    for _ in range(4):
        await limits.failed("ada")
    for _ in range(100):
        await refused(limits, "ada")
    clock.move(1)
    await limits.admit("ada")


async def test_no_more_names_than_a_bound(clock: Clock) -> None:
    limits = LogInLimits(a_second=10, names=100, elapsed=clock.elapsed)
    for n in range(1000):
        clock.move(0.001 * (n % 2))  # less than the pause of any of them
        for _ in range(4):
            await limits.failed(f"user{n}")
    assert 80 <= limits.remembered <= 104  # whole rows, and not all of them need be full
    await refused(limits, "user999")
    await limits.admit("user1")  # forgotten


async def test_right_passwords_use_up_nothing_of_an_address(clock: Clock) -> None:
    limits = LogInLimits(a_second=10, elapsed=clock.elapsed)
    for n in range(30):
        clock.move(0.1)
        await limits.admit(f"user{n}", "192.0.2.1")
        await limits.succeeded(f"user{n}", "192.0.2.1")
    for n in range(5):
        await limits.admit(f"guess{n}", "192.0.2.1")
    with pytest.raises(TooManyAttemptsError):
        await limits.admit("guess5", "192.0.2.1")


async def test_all_processes_of_a_node_count_together(clock: Clock, tmp_path: Path) -> None:
    limits = [
        LogInLimits(a_second=10, path=tmp_path / "log-ins", elapsed=clock.elapsed) for _ in range(3)
    ]
    for n in range(10):
        await limits[n % 3].admit(f"user{n}")
    for one in limits:
        await refused(one, "another")
    clock.move(10)
    for n in range(4):
        await limits[n % 2].failed("ada")
    assert await refused(limits[2], "ada") == pytest.approx(1, abs=0.001)
    assert [one.remembered for one in limits] == [1, 1, 1]
    await limits[2].succeeded("ada")
    await limits[0].admit("ada")
    for one in limits:
        one.close()


async def test_a_process_that_dies_in_the_middle_keeps_nobody_out(
    clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "log-ins"
    limits = LogInLimits(path=path, elapsed=clock.elapsed, patience=0.1)
    holder = subprocess.Popen(  # noqa: ASYNC220  # at once
        [sys.executable, "-c", HOLDS, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    # While it is stopped with the lock, nobody gets past it, and the loop goes on.
    trying = asyncio.create_task(refused(limits, "ada"))
    await asyncio.sleep(0.05)
    assert not trying.done()
    assert await trying == 1
    for _ in range(4):
        await limits.failed("ada")
    holder.kill()
    holder.communicate()
    assert await refused(limits, "ada") == pytest.approx(1, abs=0.001)
    await limits.admit("bob")
    limits.close()
