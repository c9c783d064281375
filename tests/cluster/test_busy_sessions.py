"""Is a transaction never idle while one of its operations runs, however long that takes?"""

from __future__ import annotations

import asyncio

from scalar_tx.cluster.sessions import Expiry, Sessions


def test_what_runs_is_not_idle_and_rests_from_its_end_on() -> None:
    now, reasons = [0.0], list[Expiry]()
    register = Sessions(9, 9, 10, 60, lambda: now[0])
    session = register.open("a", "", reasons.append)
    with session.busy():
        now[0] = 30
        asyncio.run(register.expire_overdue())
    now[0] = 39
    asyncio.run(register.expire_overdue())
    assert reasons == []
    now[0] = 40
    asyncio.run(register.expire_overdue())
    assert reasons == [Expiry.IDLE]
