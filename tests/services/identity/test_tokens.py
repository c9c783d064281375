"""How long is a token good, what ends it, and what does a stolen one open?"""

from __future__ import annotations

import base64
import hashlib
import threading
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.identity.log_ins import MOST_OF_A_LOG_IN
from scalar_auditor.identity.token_text import PREFIX, new_log_in, new_token, presented
from scalar_tx.cluster.auth.tokens import is_token
from scalar_tx.cluster.auth.tokens import new_token as token_of_a_node
from tests.services.identity.world import ADA, BOB, OTHER, World, refusal
from tests.services.stage import Refused

if TYPE_CHECKING:
    from scalar_auditor.identity.serving import Identity

MINUTE = 60.0
HOUR = 60 * MINUTE


def rows(world: World, email: str = ADA) -> list[dict[str, object]]:
    return [row for row in world.stage.rows("identity.user_token") if row["user_email"] == email]


def is_in(world: World, token: str, email: str = ADA) -> bool:
    try:
        world.stage.with_token(token).GetUser(user_email=email)
    except Refused as refused:
        return (refused.code, refused.reason) != ("UNAUTHENTICATED", "BAD_TOKEN")
    return True


def test_the_text_of_a_token() -> None:
    token = new_token(ADA, "0123456789abcdef")
    assert token.text.startswith("sau_")
    owner, token_id, secret = token.text.removeprefix(PREFIX).split(".")
    assert base64.urlsafe_b64decode(owner + "==").decode() == ADA
    assert token_id == token.token_id
    assert token_id.startswith("0123456789abcdef")
    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert token.digest == hashlib.sha256(token.text.encode()).hexdigest()
    assert secret not in repr(token)
    shown = presented(token.text)
    assert shown is not None
    assert (shown.owner, shown.token_id, shown.digest) == (ADA, token.token_id, token.digest)
    assert shown.digest not in repr(shown)


@pytest.mark.parametrize(
    "text",
    ["", "sau_", "sau_x.y.z", token_of_a_node(), f"stx_{new_token(ADA, new_log_in()).text}"],
    ids=["nothing", "the prefix", "three short parts", "a node's", "one behind a node's prefix"],
)
def test_what_is_no_token_by_its_form(text: str) -> None:
    assert presented(text) is None


def test_a_token_of_a_node_is_none_here_nor_the_reverse() -> None:
    assert presented(token_of_a_node()) is None
    assert not is_token(new_token(ADA, new_log_in()).text)


def test_only_the_digest_is_on_record(world: World) -> None:
    world.register(ADA)
    tokens = world.tokens(ADA)
    everything = repr(world.contents())
    for token in (tokens.access_token, tokens.refresh_token):
        assert token.rpartition(".")[2] not in everything
        assert hashlib.sha256(token.encode()).hexdigest() in everything


def test_an_access_token_is_good_for_half_an_hour(world: World) -> None:
    world.register(ADA)
    token = world.tokens(ADA).access_token
    world.later(30 * MINUTE - 1)
    assert is_in(world, token)
    world.later(1)
    assert not is_in(world, token)


def test_a_token_with_another_secret_opens_nothing(world: World) -> None:
    world.register(ADA)
    token = world.tokens(ADA).access_token
    assert is_in(world, token)
    other = new_token(ADA, new_log_in()).text.rpartition(".")[2]
    assert not is_in(world, f"{token.rpartition('.')[0]}.{other}")


def test_a_token_is_its_owners_alone(world: World) -> None:
    world.register(ADA)
    world.register(BOB)
    token = world.tokens(ADA).access_token
    _, rest = token.split(".", 1)
    bob = base64.urlsafe_b64encode(BOB.encode()).rstrip(b"=").decode()
    assert not is_in(world, f"{PREFIX}{bob}.{rest}", BOB)


def test_a_token_that_refreshes_is_good_for_nothing_else_and_the_reverse(world: World) -> None:
    world.register(ADA)
    tokens = world.tokens(ADA)
    assert not is_in(world, tokens.refresh_token)
    refused = refusal(lambda: world.nobody.Refresh(refresh_token=tokens.access_token))
    assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "BAD_TOKEN")


def test_a_refresh_gives_two_new_ones(world: World) -> None:
    world.register(ADA)
    first = world.tokens(ADA)
    world.later(20 * MINUTE)
    second = world.nobody.Refresh(refresh_token=first.refresh_token)
    assert second.access_expires_at == world.clock.now_ms() + 30 * 60 * 1000
    assert second.refresh_expires_at == first.refresh_expires_at  # no log-in goes on for ever
    assert is_in(world, first.access_token)  # what is under way with it goes on
    assert is_in(world, second.access_token)
    by_id = {row["token_id"]: row for row in rows(world)}
    shown = presented(first.refresh_token)
    new = presented(second.refresh_token)
    assert shown is not None
    assert new is not None
    assert by_id[shown.token_id]["used_at"] == world.clock.now_ms()
    assert by_id[new.token_id]["parent_token_id"] == shown.token_id


def test_a_log_in_ends_after_twelve_hours(world: World) -> None:
    world.register(ADA)
    tokens = world.tokens(ADA)
    for _ in range(23):
        world.later(30 * MINUTE)
        tokens = world.nobody.Refresh(refresh_token=tokens.refresh_token)
    world.later(20 * MINUTE)
    tokens = world.nobody.Refresh(refresh_token=tokens.refresh_token)
    assert tokens.access_expires_at == tokens.refresh_expires_at
    world.later(10 * MINUTE)
    assert not is_in(world, tokens.access_token)
    assert (
        refusal(lambda: world.nobody.Refresh(refresh_token=tokens.refresh_token)).reason
        == "BAD_TOKEN"
    )


def test_one_that_is_used_twice_ends_its_log_in_and_no_other(world: World) -> None:
    world.register(ADA)
    other = world.tokens(ADA)
    first = world.tokens(ADA)
    second = world.nobody.Refresh(refresh_token=first.refresh_token)
    third = world.nobody.Refresh(refresh_token=second.refresh_token)
    assert is_in(world, third.access_token)
    refused = refusal(lambda: world.nobody.Refresh(refresh_token=first.refresh_token))
    assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "BAD_TOKEN")
    for token in (first.access_token, second.access_token, third.access_token):
        assert not is_in(world, token)
    refusal(lambda: world.nobody.Refresh(refresh_token=third.refresh_token))
    assert is_in(world, other.access_token)
    world.nobody.Refresh(refresh_token=other.refresh_token)


def test_used_twice_at_once_it_is_used_twice(world: World) -> None:
    world.register(ADA)
    for _ in range(3):
        tokens = world.tokens(ADA)
        given: list[str] = []

        def refresh(token: str = tokens.refresh_token, given: list[str] = given) -> None:
            try:
                given.append(world.nobody.Refresh(refresh_token=token).access_token)
            except Refused as refused:
                assert refused.reason == "BAD_TOKEN"  # noqa: PT017

        threads = [threading.Thread(target=refresh) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(given) == 1
        world.later(5)
        assert not is_in(world, given[0])
        assert not is_in(world, tokens.access_token)


def test_a_log_in_that_is_refreshed_all_the_time_keeps_a_few_rows(world: World) -> None:
    world.register(ADA)
    before = len(rows(world))
    tokens = world.tokens(ADA)
    for _ in range(MOST_OF_A_LOG_IN):
        world.later(1)
        previous, tokens = tokens, world.nobody.Refresh(refresh_token=tokens.refresh_token)
    assert MOST_OF_A_LOG_IN - 3 <= len(rows(world)) - before <= MOST_OF_A_LOG_IN
    assert is_in(world, tokens.access_token)
    refusal(lambda: world.nobody.Refresh(refresh_token=previous.refresh_token))
    assert not is_in(world, tokens.access_token)


def test_who_refreshes_all_the_time_is_not_rid_of_the_token_that_tells_of_a_theft(
    world: World,
) -> None:
    world.register(ADA)
    other = world.tokens(ADA)
    stolen = tokens = world.tokens(ADA)
    for _ in range(MOST_OF_A_LOG_IN):
        world.later(1)
        tokens = world.nobody.Refresh(refresh_token=tokens.refresh_token)
    shown = presented(stolen.refresh_token)
    assert shown is not None
    assert shown.token_id not in {row["token_id"] for row in rows(world)}  # forgotten
    assert is_in(world, tokens.access_token)
    refused = refusal(lambda: world.nobody.Refresh(refresh_token=stolen.refresh_token))
    assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "BAD_TOKEN")
    assert not is_in(world, tokens.access_token)
    assert is_in(world, other.access_token)


def test_a_token_that_was_made_up_ends_nothing(world: World) -> None:
    world.register(ADA)
    tokens = world.tokens(ADA)
    shown = presented(tokens.refresh_token)
    assert shown is not None
    another_secret = new_token(ADA, new_log_in()).text.rpartition(".")[2]
    made_up = (
        new_token(ADA, new_log_in()).text,  # of no log-in
        f"{tokens.refresh_token.rpartition('.')[0]}.{another_secret}",  # of this one's id
    )
    for text in made_up:
        refused = refusal(lambda text=text: world.nobody.Refresh(refresh_token=text))  # type: ignore[misc]
        assert refused.reason == "BAD_TOKEN"
    assert is_in(world, tokens.access_token)
    service = world.admin.CreateServiceToken(name="importer")
    owner = "service:importer"
    text = new_token(owner, service.token_id[:16]).text  # its id is shown to admins
    assert refusal(lambda: world.nobody.Refresh(refresh_token=text)).reason == "BAD_TOKEN"
    assert len(rows(world, owner)) == 1


def test_what_is_revoked_is_refused_within_five_seconds_by_all(world: World) -> None:
    """By a worker that has just seen the token to be good, and hears nothing."""
    world.register(ADA)
    tokens = world.tokens(ADA)
    other = world.stage.run(_made(world))
    header = f"Bearer {tokens.access_token}"
    assert world.stage.run(other.access.caller(header, "")).email == ADA
    world.stage.with_token(tokens.access_token).Logout()
    assert not is_in(world, tokens.access_token)  # here at once
    world.later(4.9)
    with pytest.raises(Exception, match="not valid"):
        world.stage.run(other.access.caller(header, ""))
    world.stage.run(other.close())


async def _made(world: World) -> Identity:
    return world.another_worker(world.stage.manager)


def test_a_role_is_seen_within_five_seconds_by_all(world: World) -> None:
    world.register(ADA)
    token = world.tokens(ADA).access_token
    other = world.stage.run(_made(world))
    header = f"Bearer {token}"
    assert not world.stage.run(other.access.caller(header, "")).is_admin
    world.admin.AssignRole(user_email=ADA, role="AUDIT_ADMIN")
    assert world.stage.with_token(token).GetUser(user_email="root@example.org").name
    world.later(4.9)
    assert world.stage.run(other.access.caller(header, "")).is_admin
    world.stage.run(other.close())


def test_log_out_everywhere(world: World) -> None:
    world.register(ADA)
    all_tokens = [world.tokens(ADA) for _ in range(3)]
    world.stage.with_token(all_tokens[0].access_token).Logout(everywhere=True)
    for tokens in all_tokens:
        assert not is_in(world, tokens.access_token)
        refresh = tokens.refresh_token
        refusal(lambda refresh=refresh: world.nobody.Refresh(refresh_token=refresh))  # type: ignore[misc]
    world.log_in(ADA).GetUser(user_email=ADA)


def test_who_is_disabled_is_out_and_stays_out_when_enabled(world: World) -> None:
    world.register(ADA)
    tokens = world.tokens(ADA)
    world.admin.UpdateUser(user_email=ADA, status="DISABLED")
    assert not is_in(world, tokens.access_token)
    world.admin.UpdateUser(user_email=ADA, status="ACTIVE")
    world.later(5)
    assert not is_in(world, tokens.access_token)
    refusal(lambda: world.nobody.Refresh(refresh_token=tokens.refresh_token))
    world.later(61)
    world.log_in(ADA).GetUser(user_email=ADA)


def test_a_reset_ends_all_log_ins(world: World) -> None:
    world.register(ADA)
    tokens = world.tokens(ADA)
    world.nobody.ResetPassword(user_email=ADA, code=world.code_for(ADA), new_password=OTHER)
    assert not is_in(world, tokens.access_token)
    refusal(lambda: world.nobody.Refresh(refresh_token=tokens.refresh_token))


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "Bearer x", "sau_a.b.c"])
def test_a_header_that_bears_no_token_is_refused(world: World, header: str) -> None:
    with pytest.raises(Exception, match="not valid"):
        world.stage.run(world.identity.access.caller(header, ""))


def test_without_a_header_it_is_nobody(world: World) -> None:
    assert world.stage.run(world.identity.access.caller("", "ipv4:1")).peer == "ipv4:1"
    refused = refusal(lambda: world.nobody.GetUser(user_email=ADA))
    assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
