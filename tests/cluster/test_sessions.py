"""Is a forgotten transaction ended, and a busy one left alone?"""

from __future__ import annotations

import asyncio
import math

import pytest

from scalar_tx.cluster import sessions as module
from scalar_tx.cluster.sessions import Expiry, Session, Sessions, TooManyOpenError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def sessions(
    clock: Clock, *, total: int = 9, per_user: int = 9, idle: float = 10, lifetime: float = 60
) -> Sessions:
    return Sessions(total, per_user, idle, lifetime, clock)


def test_what_rests_is_expired_once_and_counted_until_it_is_closed() -> None:
    clock, reasons = Clock(), list[Expiry]()
    register = sessions(clock)
    session = register.open("a", "", reasons.append)
    clock.now += 9.9
    asyncio.run(register.expire_overdue())
    assert reasons == []
    clock.now += 0.1
    asyncio.run(register.expire_overdue())
    asyncio.run(register.expire_overdue())
    register.expire_all(Expiry.SHUTDOWN)
    assert reasons == [Expiry.IDLE]
    assert register.count == 1
    session.close()
    session.close()
    assert register.count == 0


def test_use_begins_the_rest_anew() -> None:
    clock, reasons = Clock(), list[Expiry]()
    register = sessions(clock)
    session = register.open("a", "", reasons.append)
    clock.now += 9
    session.touch()
    clock.now += 9
    asyncio.run(register.expire_overdue())
    assert reasons == []


def test_a_busy_one_is_not_idle_but_grows_old() -> None:
    clock, reasons = Clock(), list[Expiry]()
    register = sessions(clock)
    session = register.open("a", "", reasons.append)
    with session.busy():
        with session.busy():
            clock.now += 30
        asyncio.run(register.expire_overdue())
        assert reasons == []
    clock.now += 9
    asyncio.run(register.expire_overdue())
    assert reasons == []
    with session.busy():
        clock.now += 21
        asyncio.run(register.expire_overdue())
    assert reasons == [Expiry.LIFETIME]


def test_only_what_may_be_overdue_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = list[str]()
    overdue = Session.overdue

    def noted(session: Session, idle: float, lifetime: float) -> Expiry | None:
        looked.append(session.transaction_id)
        return overdue(session, idle, lifetime)

    monkeypatch.setattr(Session, "overdue", noted)
    clock, reasons = Clock(), list[Expiry]()
    register = sessions(clock)
    used, resting, _ = (register.open(name, "", reasons.append) for name in ("a", "b", "c"))
    clock.now += 9
    used.touch()
    asyncio.run(register.expire_overdue())
    assert looked == []
    clock.now += 1
    asyncio.run(register.expire_overdue())
    assert (looked, reasons) == (["b", "c"], [Expiry.IDLE] * 2)
    resting.close()
    clock.now += 50
    used.touch()
    asyncio.run(register.expire_overdue())
    assert looked[2:] == ["a", "c", "c"]
    assert reasons == [Expiry.IDLE, Expiry.IDLE, Expiry.LIFETIME]


def test_others_get_on_while_many_expire() -> None:
    async def steps() -> None:
        clock, turns, expired = Clock(), list[int](), list[Expiry]()
        register = sessions(clock, total=500, per_user=500)
        for number in range(500):
            register.open(str(number), "", expired.append)

        async def other() -> None:
            while len(expired) < 500:
                turns.append(len(expired))
                await asyncio.sleep(0)

        clock.now += 10
        await asyncio.gather(other(), register.expire_overdue())
        assert len(expired) == 500
        assert sorted(set(turns)) == list(range(0, 500, module.AT_ONCE))

    asyncio.run(steps())


def test_a_closed_one_is_never_expired() -> None:
    clock, reasons = Clock(), list[Expiry]()
    register = sessions(clock)
    register.open("a", "", reasons.append).close()
    clock.now += 100
    asyncio.run(register.expire_overdue())
    register.expire_all(Expiry.SHUTDOWN)
    assert reasons == []


def test_one_that_closes_at_once_does_not_disturb_the_others() -> None:
    clock, reasons = Clock(), list[Expiry]()
    register = sessions(clock)
    opened = [register.open(str(n), "", lambda _: opened[0].close()) for n in range(2)]
    opened.append(register.open("last", "", reasons.append))
    register.expire_all(Expiry.SHUTDOWN)
    assert reasons == [Expiry.SHUTDOWN]
    assert register.count == 2


def test_limits_in_all_and_of_a_user() -> None:
    clock = Clock()
    register = sessions(clock, total=3, per_user=2)
    first = register.open("a", "ann", lambda _: None)
    register.open("b", "ann", lambda _: None)
    with pytest.raises(TooManyOpenError, match="2 transactions of this user") as caught:
        register.open("c", "ann", lambda _: None)
    assert (caught.value.code, caught.value.retryable) == ("STX-5100", True)
    register.open("d", "bob", lambda _: None)
    with pytest.raises(TooManyOpenError, match="3 transactions are open"):
        register.open("e", "eve", lambda _: None)
    assert register.counts_of_users == {"ann": 2, "bob": 1}
    first.close()
    first.close()
    assert register.counts_of_users == {"ann": 1, "bob": 1}
    register.open("e", "eve", lambda _: None)
    assert register.count == 3


def test_the_age_is_that_of_the_oldest() -> None:
    clock = Clock()
    register = sessions(clock)
    assert register.oldest_age == 0
    first = register.open("a", "", lambda _: None)
    clock.now += 5
    register.open("b", "", lambda _: None)
    clock.now += 1
    first.touch()
    assert register.oldest_age == 6
    first.close()
    assert register.oldest_age == 1


def test_there_may_be_no_bound() -> None:
    clock, reasons = Clock(), list[Expiry]()
    register = sessions(clock, idle=math.inf, lifetime=math.inf)
    register.open("a", "", reasons.append)
    clock.now += 1e9
    asyncio.run(register.expire_overdue())
    assert reasons == []


def test_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.001)

    async def steps() -> None:
        clock = Clock()
        register = sessions(clock)
        expired = asyncio.Event()
        register.open("a", "", lambda _: expired.set())
        watch = asyncio.ensure_future(register.watch())
        clock.now += 10
        await asyncio.wait_for(expired.wait(), 5)
        watch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watch

    asyncio.run(steps())
