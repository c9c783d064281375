"""Does everybody who waits for a session hear of its end?"""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.storage.cassandra import session as session_module
from scalar_tx.storage.cassandra.errors import Call
from scalar_tx.storage.cassandra.session import Session
from scalar_tx.storage.cassandra.settings import cassandra_settings
from scalar_tx.storage.cassandra.storage import Blocking

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

CLOSED: Final = "STX-4215"


def made() -> Session:
    return Session(cassandra_settings(StorageSettings("cassandra", ("127.0.0.1:1",))), Blocking())


def refusal(steps: Coroutine[Any, Any, Any]) -> str:
    with pytest.raises(StorageUnavailableError) as caught:
        run(steps)
    return caught.value.code


def test_whoever_waits_for_a_connection_that_is_not_begun() -> None:
    session = made()
    busy = threading.Event()
    for _ in range(session_module._THREADS):
        session._pool.submit(busy.wait)
    told: list[str] = []
    waiting = threading.Thread(target=lambda: told.append(refusal(session.hosts())), daemon=True)
    waiting.start()
    while session._connecting is None:
        pass
    run(session.close())
    waiting.join(10)
    busy.set()
    assert told == [CLOSED]


def test_what_comes_behind_the_end() -> None:
    session = made()
    run(session.close())
    assert refusal(session.hosts()) == CLOSED
    assert refusal(session.pause(0.001)) == CLOSED
    # Whoever had the driver's session before may come with a new statement.
    drivers = SimpleNamespace(prepare=lambda text: text)
    assert refusal(session._prepare(drivers, "SELECT 1", Call.READ, "ns.t")) == CLOSED
