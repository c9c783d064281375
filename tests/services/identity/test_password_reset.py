"""Who may set a password by a code, how often may it be guessed, and what does the caller learn?"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from scalar_auditor.keys import KeyRing
from tests.services.identity.world import ADA, BOB, OTHER, World, refusal

MINUTE = 60.0
HOUR = 60 * MINUTE
WRONG_CODE = "00000000"


def kept(world: World, email: str = ADA) -> dict[str, Any]:
    found = world.stage.get("identity.user_otp", user_email=email, otp_type="PASSWORD_RESET")
    assert found is not None
    return found


def reset(world: World, code: str, email: str = ADA, password: str = OTHER) -> Any:
    return world.nobody.ResetPassword(user_email=email, code=code, new_password=password)


def ask(world: World, email: str = ADA) -> int:
    """Ask for a code; how many were sent."""
    before = len(world.mailbox.codes)
    world.nobody.RequestPasswordReset(user_email=email)
    world.settled()
    return len(world.mailbox.codes) - before


def wrong_one(code: str) -> str:
    return WRONG_CODE if code != WRONG_CODE else "00000001"


def test_a_code_sets_a_password(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    assert len(code) == 8
    assert world.mailbox.codes[-1] == (ADA, code, 10)
    reset(world, code)
    world.log_in(ADA, OTHER).GetUser(user_email=ADA)
    assert refusal(lambda: world.tokens(ADA)).reason == "BAD_LOG_IN"


def test_a_code_is_good_once(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    reset(world, code)
    refused = refusal(lambda: reset(world, code, password=OTHER + "!"))
    assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "BAD_CODE")
    world.tokens(ADA, OTHER)


def test_a_code_is_good_for_ten_minutes(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    world.later(10 * MINUTE)
    assert refusal(lambda: reset(world, code)).reason == "BAD_CODE"


def test_a_code_may_be_tried_five_times(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    for number in range(1, 5):
        assert refusal(lambda: reset(world, wrong_one(code))).reason == "BAD_CODE"
        assert kept(world)["attempts"] == number  # on record when it is answered
    refusal(lambda: reset(world, wrong_one(code)))
    assert refusal(lambda: reset(world, code)).reason == "BAD_CODE"
    assert kept(world)["attempts"] == 5


def test_four_wrong_ones_are_forgiven(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    for _ in range(4):
        refusal(lambda: reset(world, wrong_one(code)))
    reset(world, code)


def test_three_codes_an_hour(world: World) -> None:
    world.register(ADA)
    sent = []
    for _ in range(3):
        sent.append(world.code_for(ADA))
        world.later(MINUTE)
    assert ask(world) == 0
    reset(world, sent[-1])  # the last is good still, and a used one counts too
    assert ask(world) == 0
    world.later(57 * MINUTE)  # the first is an hour old, the last is not yet
    assert ask(world) == 1
    assert ask(world) == 0
    world.later(HOUR)
    assert ask(world) == 1
    assert kept(world)["sent_count"] == 1


def test_no_hour_has_more_than_three_wherever_it_begins(world: World) -> None:
    world.register(ADA)
    sent = []
    for minute in range(0, 240, 5):
        if ask(world):
            sent.append(minute)
            reset(world, world.mailbox.codes[-1][1])  # one that was used counts too
        world.later(5 * MINUTE)
    assert len(sent) >= 6
    for begin in range(240):
        assert len([one for one in sent if begin <= one < begin + 60]) <= 3, sent


def test_who_guesses_at_codes_is_held_up_before_it_costs_anything() -> None:
    with World(a_second=10) as world:
        world.register(ADA)
        code = world.code_for(ADA)
        reasons = [refusal(lambda: reset(world, wrong_one(code))).reason for _ in range(20)]
        let_through = reasons.count("BAD_CODE")
        assert 3 <= let_through <= 4  # one address has five tries a second
        assert reasons == ["BAD_CODE"] * let_through + ["TOO_MANY_ATTEMPTS"] * (20 - let_through)
        assert kept(world)["attempts"] == let_through
        refused = refusal(lambda: world.nobody.RequestPasswordReset(user_email=ADA))
        assert (refused.code, refused.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_ATTEMPTS")
        assert refused.metadata["retry_after"]
        world.later(1)
        reset(world, code)


def test_a_new_code_ends_the_one_before(world: World) -> None:
    world.register(ADA)
    first, second = world.code_for(ADA), world.code_for(ADA)
    assert first != second
    assert refusal(lambda: reset(world, first)).reason == "BAD_CODE"
    reset(world, second)


def test_the_answer_is_the_same_for_everybody(world: World) -> None:
    world.register(ADA)
    world.register(BOB)
    world.admin.UpdateUser(user_email=BOB, status="DISABLED")
    for email in (ADA, BOB, "nobody@example.org"):
        assert world.nobody.RequestPasswordReset(user_email=email).ByteSize() == 0
    world.settled()
    assert [to for to, _, _ in world.mailbox.codes] == [ADA]
    refusals = [
        refusal(lambda email=email: reset(world, WRONG_CODE, email))  # type: ignore[misc]
        for email in (ADA, BOB, "nobody@example.org")
    ]
    assert len({(one.code, one.reason, str(one), str(one.metadata)) for one in refusals}) == 1


def test_the_answer_does_not_wait_for_the_mail() -> None:
    """Nor for the database: its time is the same for everybody."""
    sending, answered = threading.Event(), threading.Event()

    class Slow:
        async def send(self, user_email: str, code: str, minutes: int) -> None:
            sending.set()
            await asyncio.to_thread(answered.wait, 20)

    with World(sender=Slow()) as world:
        world.register(ADA)
        began = time.monotonic()
        world.nobody.RequestPasswordReset(user_email=ADA)
        assert time.monotonic() - began < 10
        answered.set()
        assert sending.wait(10)
        world.settled()


def test_a_flood_of_requests_is_bounded() -> None:
    class Stuck:
        async def send(self, user_email: str, code: str, minutes: int) -> None:
            import asyncio

            await asyncio.sleep(60)

    with World(sender=Stuck()) as world:
        for number in range(100):
            world.register(f"user{number}@example.org")
            world.nobody.RequestPasswordReset(user_email=f"user{number}@example.org")
        refused = refusal(lambda: world.nobody.RequestPasswordReset(user_email=ADA))
        assert refused.code == "RESOURCE_EXHAUSTED"


def test_what_is_on_record_of_a_code_needs_a_key(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    row = kept(world)
    assert row["key_id"] == "test"
    assert code not in repr(row)
    import hashlib

    for guess in (code, f"{ADA}{code}"):
        assert hashlib.sha256(guess.encode()).hexdigest() not in repr(row)


def test_a_code_outlasts_another_key_and_not_its_own() -> None:
    ring = KeyRing.made("old")
    with World(keys=ring) as world:
        world.register(ADA)
        code = world.code_for(ADA)
        object.__setattr__(world.stage.auditor, "keys", ring.with_new("new"))
        refusal(lambda: reset(world, wrong_one(code)))
        reset(world, code)
        code = world.code_for(ADA)
        assert kept(world)["key_id"] == "new"
        object.__setattr__(world.stage.auditor, "keys", KeyRing.made("other"))
        assert refusal(lambda: reset(world, code)).reason == "BAD_CODE"


def test_no_hash_is_spent_on_a_wrong_code(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    before = world.identity.hashing.hashes
    refusal(lambda: reset(world, wrong_one(code)))
    assert world.identity.hashing.hashes == before
    reset(world, code)
    assert world.identity.hashing.hashes == before + 1


def test_one_code_sent_by_two_at_once_sets_one_password(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    done: list[str] = []

    def send(password: str) -> None:
        try:
            reset(world, code, password=password)
            done.append(password)
        except Exception:  # noqa: BLE001  # the other one was first
            done.append("")

    threads = [threading.Thread(target=send, args=(f"{OTHER} {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    new = [password for password in done if password]
    assert len(new) == 1
    world.tokens(ADA, new[0])


def test_wrong_codes_at_once_are_all_counted(world: World) -> None:
    world.register(ADA)
    code = world.code_for(ADA)
    threads = [
        threading.Thread(target=lambda: refusal(lambda: reset(world, wrong_one(code))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert kept(world)["attempts"] == 5


def test_a_reset_lets_a_locked_account_in(world: World) -> None:
    world.register(ADA)
    later = world.clock.now_ms() + 60_000
    world.stage.put("identity.user", user_email=ADA, failed_logins=3, locked_until=later)
    reset(world, world.code_for(ADA))
    world.tokens(ADA, OTHER)


def test_without_a_sender_there_are_no_resets() -> None:
    with World(sender=None) as world:
        world.register(ADA)
        refused = refusal(lambda: world.nobody.RequestPasswordReset(user_email=ADA))
        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "NO_CODE_SENDER")
        assert world.stage.rows("identity.user_otp") == []
