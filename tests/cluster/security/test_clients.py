"""How does a Python program log in, and stay so?"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import InvalidOperationError, SettingsError, StorageUnavailableError
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.auth.tokens import Lifetimes
from tests.cluster.security.people import PASSWORD, SCHEMA
from tests.cluster.served import Served, Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TABLE = "own.t"
SHORT = 3.0  # seconds that a token is good for


def _made(users: Users) -> Served:
    served = Served("memory://", users=users)

    async def make() -> None:
        await served.manager.admin.create_coordinator_tables()
        await served.manager.admin.create_table(TABLE, SCHEMA)
        principals = users.principals
        await principals.create_tables()
        await principals.users.create("ada", PASSWORD)
        await principals.grants.grant("user:ada", ["SELECT", "INSERT", "UPDATE"], "own")

    served.run(make())
    return served


@pytest.fixture
def served() -> Iterator[Served]:
    made = _made(Users(lifetimes=Lifetimes(access=SHORT)))
    yield made
    made.close()


@pytest.fixture(params=["blocking", "asyncio"])
def add(request: pytest.FixtureRequest) -> Callable[..., int]:
    """Add one to a record so often, with pauses; how often it was done. On both faces."""

    def blocking(url: str, times: int, pause: float, **how: Any) -> int:
        def one(tx: scalar_tx.Transaction) -> int:
            found = tx.get(TABLE, {"id": 1})
            time.sleep(pause)
            value = 1 + (0 if found is None else int(str(found["n"])))
            tx.upsert(TABLE, {"id": 1, "n": value})
            return value

        with scalar_tx.connect(url, **how) as db:
            return [db.run(one) for _ in range(times)][-1]

    async def running(url: str, times: int, pause: float, **how: Any) -> int:
        async def one(tx: scalar_tx.AsyncTransaction) -> int:
            found = await tx.get(TABLE, {"id": 1})
            await asyncio.sleep(pause)
            value = 1 + (0 if found is None else int(str(found["n"])))
            await tx.upsert(TABLE, {"id": 1, "n": value})
            return value

        async with scalar_tx.connect_async(url, **how) as db:
            return [await db.run(one) for _ in range(times)][-1]

    if request.param == "blocking":
        return blocking
    return lambda *args, **how: asyncio.run(running(*args, **how))


def _events(caplog: pytest.LogCaptureFixture, event: str, result: str) -> int:
    found = f"event={event} "
    return sum(
        found in text and f"result={result}" in text
        for text in (record.getMessage() for record in caplog.records)
    )


@pytest.mark.slow
def test_tokens_are_renewed_in_the_middle_of_work(
    served: Served, add: Callable[..., int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "scalar_tx.security")
    assert add(served.url, 8, SHORT / 3, username="ada", password=PASSWORD) == 8
    assert _events(caplog, "log-in", "done") == 1
    assert _events(caplog, "refresh", "done") >= 2  # it really was for longer than a token
    assert _events(caplog, "token", "refused") == 0  # nobody has noticed


def test_tokens_that_were_ended_are_renewed_by_the_password(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "scalar_tx.security")
    assert served.users is not None
    with scalar_tx.connect(served.url, username="ada", password=PASSWORD) as db:
        db.upsert(TABLE, {"id": 1, "n": 1})
        served.run(served.users.principals.users.end_tokens("ada"))
        served.users.authenticator._forget("ada")
        db.upsert(TABLE, {"id": 1, "n": 2})
        found = db.get(TABLE, {"id": 1})
        assert found is not None
        assert found["n"] == 2
    assert _events(caplog, "log-in", "done") == 2


def test_who_is_dropped_is_told_so(served: Served) -> None:
    assert served.users is not None
    with scalar_tx.connect(served.url, username="ada", password=PASSWORD) as db:
        db.upsert(TABLE, {"id": 1, "n": 1})
        served.run(served.users.principals.users.drop("ada"))
        served.users.authenticator._forget("ada")
        with pytest.raises(InvalidOperationError) as caught:
            db.upsert(TABLE, {"id": 1, "n": 2})
    assert caught.value.code == "STX-5203"


@pytest.mark.parametrize("user", ["ada", "nobody"])
def test_a_wrong_password_is_reported_once(
    served: Served, add: Callable[..., int], caplog: pytest.LogCaptureFixture, user: str
) -> None:
    caplog.set_level("INFO", "scalar_tx.security")
    secret = "not the right password"
    with pytest.raises(InvalidOperationError, match="user name or the password is wrong") as caught:
        add(served.url, 1, 0, username=user, password=secret)
    assert caught.value.code == "STX-5203"
    assert not caught.value.retryable
    assert secret not in f"{caught.value!r}{caught.value.advice}{caplog.text}"
    assert _events(caplog, "log-in", "refused") == 1


def test_no_password_is_reported(served: Served, add: Callable[..., int]) -> None:
    with pytest.raises(InvalidOperationError, match="no user and password were given") as caught:
        add(served.url, 1, 0)
    assert caught.value.code == "STX-5064"


def _wrong_passwords(served: Served, times: int) -> None:
    assert served.users is not None
    for _ in range(times):
        served.run(served.users.authenticator._limits.failed("ada"))


def test_a_short_pause_of_log_ins_is_waited_for(served: Served) -> None:
    _wrong_passwords(served, 4)
    began = time.monotonic()
    with scalar_tx.connect(served.url, username="ada", password=PASSWORD) as db:
        assert db.get(TABLE, {"id": 1}) is None
    assert time.monotonic() - began >= 0.9


def test_a_longer_one_is_told(served: Served) -> None:
    _wrong_passwords(served, 12)
    began = time.monotonic()
    with scalar_tx.connect(served.url, username="ada", password=PASSWORD) as db:
        for call in (db.admin.namespaces, lambda: db.get(TABLE, {"id": 1})):
            with pytest.raises(StorageUnavailableError) as caught:
                call()
            assert isinstance(caught.value, TooManyAttemptsError)
            assert caught.value.code == "STX-5204"
            assert caught.value.retry_after is not None
            assert 30 < caught.value.retry_after <= 60
    assert time.monotonic() - began < 25, "beyond the deadline there is nothing to wait for"


def test_whoever_guesses_is_refused_as_often(served: Served) -> None:
    for number in range(3):
        with (
            scalar_tx.connect(served.url, username="ada", password=f"guess {number}") as db,
            pytest.raises(InvalidOperationError) as caught,
        ):
            db.admin.namespaces()
        assert caught.value.code == "STX-5203"


def test_what_is_not_allowed_is_reported(served: Served) -> None:
    with scalar_tx.connect(served.url, username="ada", password=PASSWORD) as db:
        with pytest.raises(InvalidOperationError, match=re.escape("DELETE on own.t")) as caught:
            db.delete(TABLE, {"id": 1})
        assert caught.value.code == "STX-5202"
        with pytest.raises(InvalidOperationError, match="create namespaces"):
            db.admin.create_namespace("more")
        db.upsert(TABLE, {"id": 3, "n": 1})  # the log-in is as good as before


def test_a_settings_repr_holds_no_password(served: Served) -> None:
    with scalar_tx.connect(served.url, username="ada", password=PASSWORD) as db:
        db.upsert(TABLE, {"id": 1, "n": 1})
        shown = f"{db!r} {db.settings!r} {vars(db)!r}"
    assert PASSWORD not in shown
    assert "stx_" not in shown


def test_tls_to_a_node_without_is_told_apart() -> None:
    made = Served("memory://")
    try:
        with (
            scalar_tx.connect(made.url.replace("grpc://", "grpcs://")) as db,
            pytest.raises(SettingsError, match="it has no TLS") as caught,
        ):
            db.get(TABLE, {"id": 1})
        assert caught.value.code == "STX-5254"
    finally:
        made.close()
