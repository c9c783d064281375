"""Who gets in with a password, what does a wrong one leave behind, and what does a refusal tell?"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from scalar_auditor.errors import UnauthenticatedError
from scalar_auditor.identity import accounts
from scalar_auditor.identity.known_by_password import known_by_password, refusals_alike
from scalar_auditor.identity.model import User
from scalar_auditor.identity.serving import Identity
from scalar_auditor.permissions import Caller
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.auth.security_log import Event
from tests.services.identity.world import ADA, BOB, OTHER, PASSWORD, WRONG, World, refusal

if TYPE_CHECKING:
    from tests.services.stage import Refused

MINUTES_15 = 15 * 60.0


def wrong(world: World, email: str = ADA, password: str = WRONG) -> Refused:
    """One wrong try, late enough that this worker lets it be tried."""
    world.later(61)
    return refusal(lambda: world.tokens(email, password))


def account(world: World, email: str = ADA) -> dict[str, object]:
    found = world.stage.get("identity.user", user_email=email)
    assert found is not None
    return found


def test_a_password_gives_tokens_that_are_good_for_calls(world: World) -> None:
    world.register(ADA)
    tokens = world.tokens(ADA)
    now = world.clock.now_ms()
    assert tokens.access_expires_at == now + 30 * 60 * 1000
    assert tokens.refresh_expires_at == now + 12 * 60 * 60 * 1000
    assert world.stage.with_token(tokens.access_token).GetUser(user_email=ADA).user_email == ADA


def test_an_address_may_be_written_in_capitals(world: World) -> None:
    world.register(ADA)
    assert world.log_in(ADA.upper()).GetUser(user_email=ADA).user_email == ADA


def test_refusals_tell_nothing_apart(world: World) -> None:
    world.register(ADA)
    world.register(BOB)
    world.admin.UpdateUser(user_email=BOB, status="DISABLED")
    refusals = [
        wrong(world),
        wrong(world, "nobody@example.org"),
        wrong(world, BOB, PASSWORD),
        wrong(world, password="short"),
    ]
    assert {(one.code, one.reason, str(one), str(one.metadata)) for one in refusals} == {
        (
            "UNAUTHENTICATED",
            "BAD_LOG_IN",
            "UNAUTHENTICATED BAD_LOG_IN the e-mail or the password is wrong",
            "{}",
        )
    }


def test_an_unknown_person_costs_a_hash_as_a_known_one_does(world: World) -> None:
    world.register(ADA)
    for email in (ADA, "nobody@example.org"):
        before = world.identity.hashing.hashes
        wrong(world, email)
        assert world.identity.hashing.hashes == before + 1


def test_a_wrong_try_is_on_record_when_it_is_answered(world: World) -> None:
    world.register(ADA)
    for number in range(1, 4):
        wrong(world)
        assert account(world)["failed_logins"] == number
    world.later(61)
    world.tokens(ADA)
    assert account(world)["failed_logins"] == 0


def test_ten_wrong_in_a_row_lock_the_account_for_a_quarter_of_an_hour(world: World) -> None:
    world.register(ADA)
    world.stage.put("identity.user", user_email=ADA, failed_logins=8)
    wrong(world)
    assert account(world)["locked_until"] == 0
    wrong(world)
    until = world.clock.now_ms() + MINUTES_15 * 1000
    assert account(world)["locked_until"] == until
    for _ in range(3):  # the right one too, and none of them lengthens it
        assert wrong(world, password=PASSWORD).reason == "BAD_LOG_IN"
        wrong(world)
    assert account(world)["locked_until"] == until
    world.clock.seconds = until / 1000 - 1
    assert refusal(lambda: world.tokens(ADA)).reason == "BAD_LOG_IN"
    world.later(62)
    world.tokens(ADA)
    assert account(world)["locked_until"] == 0


def test_an_admin_unlocks(world: World) -> None:
    world.register(ADA)
    world.stage.put("identity.user", user_email=ADA, failed_logins=9)
    wrong(world)
    assert world.admin.GetUser(user_email=ADA).locked_until > world.clock.now_ms()
    assert world.admin.UpdateUser(user_email=ADA, status="ACTIVE").locked_until == 0
    world.later(61)
    world.tokens(ADA)


def test_guesses_at_once_are_all_counted(world: World) -> None:
    """Eight callers, at one hash at a time: every refusal of the account is on record."""
    world.register(ADA)
    seen: list[str] = []

    def guess() -> None:
        seen.append(refusal(lambda: world.tokens(ADA, WRONG)).reason)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen.count("BAD_LOG_IN") >= 1
    assert account(world)["failed_logins"] == seen.count("BAD_LOG_IN")


def test_a_guess_whose_caller_does_not_wait_is_counted_all_the_same(world: World) -> None:
    """Else a guess would be for free to whoever hangs up before a wrong one is on record."""
    world.register(ADA)
    verify, hashing = world.identity.hashing.verify, threading.Event()

    async def told(kept: str | None, password: str) -> object:
        hashing.set()
        await asyncio.sleep(0.2)
        return await verify(kept, password)

    world.identity.hashing.verify = told  # type: ignore[assignment, method-assign]

    async def hang_up() -> None:
        log_in = asyncio.ensure_future(
            known_by_password(
                world.stage.auditor, world.identity, Caller(), ADA, WRONG, what=Event.LOG_IN
            )
        )
        await asyncio.to_thread(hashing.wait, 10)
        log_in.cancel()
        with pytest.raises(asyncio.CancelledError):
            await log_in
        assert world.stage.auditor.gate.outstanding == 1  # a pause waits for it

    world.stage.run(hang_up())
    world.settled()
    assert account(world)["failed_logins"] == 1
    assert world.stage.auditor.gate.outstanding == 0


def test_a_lock_that_comes_while_the_password_is_hashed_holds(world: World) -> None:
    world.register(ADA)
    verify = world.identity.hashing.verify

    async def slow(kept: str | None, password: str) -> object:
        verdict = await verify(kept, password)
        values: dict[str, Any] = {"user_email": ADA, "locked_until": world.clock.now_ms() + 1000}
        await world.stage.manager.upsert("identity.user", values)
        return verdict

    world.identity.hashing.verify = slow  # type: ignore[assignment, method-assign]
    assert refusal(lambda: world.tokens(ADA)).reason == "BAD_LOG_IN"
    assert [row for row in world.stage.rows("identity.user_token") if row["used_at"]] == []


def test_a_password_that_was_kept_at_other_costs_is_kept_anew(world: World) -> None:
    ada = world.register(ADA)
    stamp = str(account(world)["password_hash"])[:16]
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    world.stage.put("identity.user", user_email=ADA, password_hash=stamp + cheap)
    wrong(world)
    assert account(world)["password_hash"] == stamp + cheap
    world.later(61)
    log_in = world.log_in(ADA)
    newer = str(account(world)["password_hash"])
    assert newer.startswith(f"{stamp}$argon2id$v=19$m=19456,t=2,p=1$")
    for calls in (ada, log_in):  # all log-ins go on
        calls.GetUser(user_email=ADA)
    world.later(61)
    world.tokens(ADA)
    assert account(world)["password_hash"] == newer


def test_a_newer_hash_comes_in_the_place_of_no_other_password(world: World) -> None:
    world.register(ADA)
    stage, found = world.stage, User(**account(world))  # type: ignore[arg-type]
    world.stage.put("identity.user", user_email=ADA, password_hash="0" * 16 + "changed")
    done = stage.run(stage.manager.run(accounts.keep_newer_hash, found, "0" * 16 + "newer"))
    assert not done
    assert account(world)["password_hash"] == "0" * 16 + "changed"


def test_a_password_that_was_changed_meanwhile_opens_nothing(world: World) -> None:
    world.register(ADA)
    verify = world.identity.hashing.verify

    async def slow(kept: str | None, password: str) -> object:
        verdict = await verify(kept, password)
        values = {"user_email": ADA, "password_hash": "0" * 16 + str(kept)}
        await world.stage.manager.upsert("identity.user", values)
        return verdict

    world.identity.hashing.verify = slow  # type: ignore[assignment, method-assign]
    assert refusal(lambda: world.tokens(ADA)).reason == "BAD_LOG_IN"


def test_a_thousand_guesses_cost_twenty_hashes() -> None:
    """Within a second: ten tries a second of all together, and a second's worth at once."""
    with World(a_second=10) as world:
        world.register(ADA)
        world.later(60)
        before = world.identity.hashing.hashes
        reasons = world.stage.run(_guesses(world, 1000))
        spent = world.identity.hashing.hashes - before
        assert reasons.count("BAD_LOG_IN") == spent <= 20
        assert reasons.count("TOO_MANY_ATTEMPTS") == 1000 - spent
        refused = refusal(lambda: world.tokens(ADA, WRONG))
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_ATTEMPTS")
        assert 0 < float(refused.metadata["retry_after"]) <= 4


async def _guesses(world: World, number: int) -> list[str]:
    reasons = []
    for n in range(number):
        world.later(0.001)
        email = ADA if n % 2 else f"guess{n}@example.org"
        try:
            await known_by_password(
                world.stage.auditor, world.identity, Caller(), email, WRONG, what=Event.LOG_IN
            )
        except TooManyAttemptsError:
            reasons.append("TOO_MANY_ATTEMPTS")
        except UnauthenticatedError as error:
            reasons.append(error.reason)
    return reasons


def test_refused_log_ins_are_counted(world: World) -> None:
    world.register(ADA)

    def failures() -> float | None:
        registry = world.stage.auditor.metrics.registry
        return registry.get_sample_value("scalar_auditor_log_in_failures_total")

    before = failures()
    world.tokens(ADA)
    assert failures() == before
    wrong(world)
    wrong(world, "nobody@example.org")
    assert failures() == (before or 0) + 2


@pytest.mark.parametrize("spent", [0.0, 0.03, 0.07])
def test_a_refusal_takes_a_multiple_of_its_time(spent: float) -> None:
    async def refused() -> None:
        async with refusals_alike(0.05):
            await asyncio.sleep(spent)
            raise UnauthenticatedError("no")

    began = time.monotonic()
    with pytest.raises(UnauthenticatedError):
        asyncio.run(refused())
    took = time.monotonic() - began
    assert took >= (0.1 if spent > 0.05 else 0.05)


def test_a_node_gives_refusals_a_time() -> None:
    async def made() -> float:
        identity = Identity(None)  # type: ignore[arg-type]  # it is asked for nothing
        try:
            return identity.refused_after
        finally:
            await identity.close()

    assert asyncio.run(made()) >= 0.2


def test_known_and_unknown_are_refused_in_the_same_time() -> None:
    with World(refused_after=0.2) as world:
        world.register(ADA)
        times = {}
        for email in (ADA, "nobody@example.org"):
            began = time.monotonic()
            wrong(world, email)
            times[email] = time.monotonic() - began
        assert all(took >= 0.2 for took in times.values())


def test_two_may_be_logged_in_with_one_account(world: World) -> None:
    world.register(ADA)
    one, two = world.log_in(ADA), world.log_in(ADA)
    one.Logout()
    world.later(5)
    assert refusal(lambda: one.GetUser(user_email=ADA)).reason == "BAD_TOKEN"
    assert two.GetUser(user_email=ADA).user_email == ADA


def test_a_password_may_be_changed_by_who_knows_it(world: World) -> None:
    ada = world.register(ADA)
    other = world.log_in(ADA)
    assert (
        refusal(lambda: ada.ChangePassword(old_password=WRONG, new_password=OTHER)).reason
        == "WRONG_PASSWORD"
    )
    assert account(world)["failed_logins"] == 1
    ada.ChangePassword(old_password=PASSWORD, new_password=OTHER)
    for calls in (ada, other):  # all log-ins end, on this worker at once
        assert refusal(lambda calls=calls: calls.GetUser(user_email=ADA)).reason == "BAD_TOKEN"  # type: ignore[misc]
    wrong(world, password=PASSWORD)
    world.later(61)
    world.tokens(ADA, OTHER)


def test_two_changes_of_a_password_at_once_are_one(world: World) -> None:
    world.register(ADA)
    calls = [world.log_in(ADA) for _ in range(2)]
    news = [f"{OTHER} {n}" for n in range(2)]
    ends: list[str] = []

    def change(n: int) -> None:
        try:
            calls[n].ChangePassword(old_password=PASSWORD, new_password=news[n])
            ends.append(news[n])
        except Exception:  # noqa: BLE001  # the other one was first
            ends.append("")

    threads = [threading.Thread(target=change, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    changed = [new for new in ends if new]
    assert len(changed) == 1
    world.later(61)
    world.tokens(ADA, changed[0])


def test_nothing_of_a_password_is_shown(world: World) -> None:
    world.register(ADA)
    user = account(world)
    assert PASSWORD not in repr(user)
    known = User(**user)  # type: ignore[arg-type]
    assert known.password_hash not in repr(known)
    assert "password_hash" in {one.name for one in dataclasses.fields(known)}
