"""What does a code do that an operator makes, and under which bounds is it?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from scalar_auditor.identity.reset_codes import make_reset_code
from tests.services.identity.world import ADA, BOB, MINUTE, OTHER, World, refusal

if TYPE_CHECKING:
    from scalar_auditor.identity.reset_codes import ResetCode


@pytest.fixture
def unmailed() -> World:
    """A node that can send nothing."""
    return World(sender=None)


def made(world: World, email: str = ADA) -> ResetCode:
    stage = world.stage
    work = make_reset_code(stage.manager, stage.auditor.keys, email, now_ms=world.clock.now_ms)
    found: ResetCode = stage.run(work)
    return found


def reset(world: World, code: str) -> None:
    world.nobody.ResetPassword(user_email=ADA, code=code, new_password=OTHER)


def wrong_one(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


def test_who_lost_a_password_sets_another_without_mail(
    unmailed: World, caplog: pytest.LogCaptureFixture
) -> None:
    with unmailed as world:
        world.register(ADA)
        world.stage.put("identity.user", user_email=ADA, locked_until=world.clock.now_ms() + 9000)
        with caplog.at_level(logging.DEBUG):
            given = made(world, ADA.upper())
        assert (given.user_email, given.expires_at) == (ADA, world.clock.now_ms() + 600_000)
        assert 'event=password user="" subject="ada@example.org" result=done' in caplog.text
        assert given.code not in caplog.text
        assert given.code not in repr(given)
        assert given.code not in repr(world.contents())
        reset(world, given.code)
        world.tokens(ADA, OTHER)
        assert refusal(lambda: reset(world, given.code)).reason == "BAD_CODE"


def test_all_log_ins_end_when_a_code_is_made_and_nobody_elses(world: World) -> None:
    ada, bob = world.register(ADA), world.register(BOB)
    tokens = world.tokens(ADA)
    made(world)
    world.later(5)
    assert refusal(lambda: ada.GetUser(user_email=ADA)).reason == "BAD_TOKEN"
    assert (
        refusal(lambda: world.nobody.Refresh(refresh_token=tokens.refresh_token)).reason
        == "BAD_TOKEN"
    )
    bob.GetUser(user_email=BOB)
    world.tokens(ADA)  # who knows the password after all may go on with it


def test_it_is_guessed_at_five_times_and_good_for_ten_minutes(world: World) -> None:
    world.register(ADA)
    code = made(world).code
    for _ in range(5):
        assert refusal(lambda: reset(world, wrong_one(code))).reason == "BAD_CODE"
    assert refusal(lambda: reset(world, code)).reason == "BAD_CODE"
    code = made(world).code
    world.later(10 * MINUTE)
    assert refusal(lambda: reset(world, code)).reason == "BAD_CODE"


def test_it_counts_among_the_three_of_an_hour(world: World) -> None:
    ada = world.register(ADA)
    world.code_for(ADA)
    made(world)
    last = made(world).code
    before = world.contents()
    with pytest.raises(FailedPreconditionError) as caught:
        made(world)
    assert caught.value.reason == "TOO_MANY_CODES"
    assert world.contents() == before
    assert refusal(lambda: ada.GetUser(user_email=ADA)).reason == "BAD_TOKEN"
    reset(world, last)
    world.later(60 * MINUTE)
    made(world)


@pytest.mark.parametrize("status", ["DISABLED", "DELETING"])
def test_no_code_opens_an_account_that_is_closed(world: World, status: str) -> None:
    world.register(ADA)
    world.stage.put("identity.user", user_email=ADA, status=status)
    before = world.contents()
    with pytest.raises(FailedPreconditionError) as caught:
        made(world)
    assert caught.value.reason == "USER_NOT_ACTIVE"
    assert status in caught.value.message
    assert world.contents() == before


def test_there_has_to_be_such_an_account(world: World) -> None:
    with pytest.raises(NotFoundError):
        made(world)
    with pytest.raises(InvalidArgumentError):
        made(world, "ada")
    assert world.stage.rows("identity.user_otp") == []
