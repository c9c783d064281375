"""What does a service's token open, how long, and how is it ended?"""

from __future__ import annotations

from typing import Any

from scalar_auditor.identity.service_tokens import MOST
from tests.services.identity.world import ADA, World, refusal

DAY = 24 * 60 * 60


def caller(world: World, token: str) -> Any:
    return world.stage.run(world.identity.access.caller(f"Bearer {token}", "p"))


def test_a_service_calls_by_its_token(world: World) -> None:
    made = world.admin.CreateServiceToken(name="importer")
    assert made.expires_at == world.clock.now_ms() + 90 * DAY * 1000
    found = caller(world, made.token)
    assert (found.is_service, found.name, found.email, found.roles) == (
        True,
        "importer",
        "",
        frozenset(),
    )
    refused = refusal(lambda: world.stage.with_token(made.token).GetUser(user_email=ADA))
    assert (refused.code, refused.reason) == ("PERMISSION_DENIED", "WRONG_KIND_OF_CALLER")
    assert made.token not in repr(world.contents())


def test_it_is_good_as_long_as_was_asked_for(world: World) -> None:
    made = world.admin.CreateServiceToken(name="importer", lifetime_seconds=60)
    world.later(59)
    assert caller(world, made.token).is_service
    world.later(1)
    assert "not valid" in str(_failure(world, made.token))
    longest = world.admin.CreateServiceToken(name="other", lifetime_seconds=1)
    assert longest.expires_at == world.clock.now_ms() + 1000


def _failure(world: World, token: str) -> Exception:
    try:
        caller(world, token)
    except Exception as error:  # noqa: BLE001  # it is what is asked for
        return error
    raise AssertionError("it was accepted")


def test_one_is_ended_or_all_of_a_name(world: World) -> None:
    one, two = (world.admin.CreateServiceToken(name="importer") for _ in range(2))
    other = world.admin.CreateServiceToken(name="exporter")
    for _ in range(2):  # the second time there is nothing left to do
        world.admin.RevokeServiceToken(name="importer", token_id=one.token_id)
    _failure(world, one.token)
    assert caller(world, two.token).is_service
    world.admin.RevokeServiceToken(name="importer")
    _failure(world, two.token)
    assert caller(world, other.token).is_service


def test_a_token_of_a_service_refreshes_nothing(world: World) -> None:
    made = world.admin.CreateServiceToken(name="importer")
    assert refusal(lambda: world.nobody.Refresh(refresh_token=made.token)).reason == "BAD_TOKEN"
    assert caller(world, made.token).is_service


def test_a_name_has_so_many_tokens_at_once(world: World) -> None:
    for _ in range(MOST):
        world.admin.CreateServiceToken(name="importer", lifetime_seconds=20 * 60)
    refused = refusal(lambda: world.admin.CreateServiceToken(name="importer"))
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "TOO_MANY_TOKENS")
    world.later(20 * 60)
    world.admin.CreateServiceToken(name="importer")
    rows = world.stage.rows("identity.user_token")
    assert len([row for row in rows if row["user_email"] == "service:importer"]) == 1


def test_a_person_and_a_service_of_like_names_are_two(world: World) -> None:
    """``service:x@y.z`` is an e-mail by its form; no service has an @ in its name."""
    world.register("service:importer@example.org")
    refused = refusal(lambda: world.admin.CreateServiceToken(name="importer@example.org"))
    assert (refused.code, refused.field) == ("INVALID_ARGUMENT", "name")
