"""By which address is a guess counted, and whom does another address's guessing hold up?"""

from __future__ import annotations

from typing import Any

import pytest

from scalar_auditor.errors import UnauthenticatedError
from scalar_auditor.identity.known_by_password import known_by_password
from scalar_auditor.identity.origins import address_of, tries_of
from scalar_auditor.permissions import Caller
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.auth.security_log import Event
from tests.services.identity.world import ADA, PASSWORD, WRONG, World

HERE = "ipv4:192.0.2.7:4711"
THERE = "ipv4:198.51.100.9:80"


@pytest.mark.parametrize(
    "peer, address",
    [
        (HERE, "192.0.2.7"),
        ("ipv4:192.0.2.7:1", "192.0.2.7"),
        ("ipv6:[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64"),
        ("ipv6:%5B2001:db8:1:2::9%5D:4711", "2001:db8:1:2::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:4711", "fe80::/64"),
        ("ipv6:%5B::ffff:192.0.2.7%5D:4711", "192.0.2.7"),
        ("unix:/run/node", ""),
        ("ipv4:999.1.1.1:1", ""),
        ("", ""),
    ],
)
def test_an_address(peer: str, address: str) -> None:
    assert address_of(Caller(peer=peer)) == address
    assert tries_of(ADA, Caller(peer=peer)) == f"{ADA} {address}"


def tried(world: World, peer: str, password: str) -> str:
    """What comes of a try from there."""
    caller: Any = Caller(peer=peer)
    work = known_by_password(
        world.stage.auditor, world.identity, caller, ADA, password, what=Event.LOG_IN
    )
    try:
        world.stage.run(work)
    except UnauthenticatedError as error:
        return error.reason
    except TooManyAttemptsError:
        return "TOO_MANY_ATTEMPTS"
    return "in"


def test_who_guesses_makes_nobody_wait_elsewhere(world: World) -> None:
    world.register(ADA)
    for _ in range(4):
        assert tried(world, HERE, WRONG) == "BAD_LOG_IN"
    assert tried(world, HERE, PASSWORD) == "TOO_MANY_ATTEMPTS"
    assert tried(world, THERE, PASSWORD) == "in"
    assert tried(world, HERE, WRONG) == "TOO_MANY_ATTEMPTS"  # theirs is not forgotten by it


def test_who_guesses_on_and_on_keeps_nobody_out_for_longer_than_one_lock(world: World) -> None:
    world.register(ADA)
    locks = 0
    for _ in range(3):
        for _ in range(240):  # twenty minutes, as soon as they may
            world.later(5)
            tried(world, HERE, WRONG)
        until = locked_until(world)
        locks += until > world.clock.now_ms()
        minutes = 0
        while tried(world, THERE, PASSWORD) != "in":
            minutes += 1
            for _ in range(12):
                world.later(5)
                tried(world, HERE, WRONG)
        assert minutes <= 15
    assert locks  # it was locked, and not for ever


def locked_until(world: World) -> int:
    found = world.stage.get("identity.user", user_email=ADA)
    assert found is not None
    return int(str(found["locked_until"]))
