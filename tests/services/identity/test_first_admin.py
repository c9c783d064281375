"""How does the first admin come to be, and is there no second one by the same way?"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError
from scalar_auditor.identity.first_admin import make_first_admin
from tests.services.identity.world import ADA, ADMIN, BOB, World

if TYPE_CHECKING:
    from pathlib import Path


def made(world: World, email: str = ADMIN) -> str:
    password: str = world.stage.run(make_first_admin(world.stage.manager, email))
    return password


def test_the_first_admin_logs_in_and_manages(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        password = made(world, ADMIN.upper())
    assert len(password) >= 20
    assert password not in caplog.text
    assert "event=bootstrap" in caplog.text
    admin = world.log_in(ADMIN, password)
    assert list(admin.GetUser(user_email=ADMIN).roles) == ["AUDIT_ADMIN"]
    admin.CreateOrganization(name="One")


def test_each_has_another_password() -> None:
    passwords = set()
    for _ in range(2):
        with World() as world:
            passwords.add(made(world))
    assert len(passwords) == 2


def test_there_is_one_first_admin(world: World) -> None:
    made(world)
    before = world.contents()
    for email in (ADMIN, ADA):
        with pytest.raises(FailedPreconditionError) as caught:
            made(world, email)
        assert caught.value.reason == "ADMIN_EXISTS"
    assert world.contents() == before


def test_two_commands_at_once_make_one_admin(tmp_path: Path) -> None:
    for target in ("memory://", f"sqlite:///{tmp_path / 'x.db'}"):
        with World(target) as world:
            manager = world.stage.manager

            async def both(manager: object = manager) -> list[object]:
                making = (make_first_admin(manager, email) for email in (ADA, BOB))  # type: ignore[arg-type]
                return await asyncio.gather(*making, return_exceptions=True)

            ends = world.stage.run(both())
            assert sorted(type(end).__name__ for end in ends) == ["FailedPreconditionError", "str"]
            assert len(world.stage.rows("identity.role_user")) == 1


def test_an_account_is_not_taken_over(world: World) -> None:
    world.register(ADA)
    with pytest.raises(AlreadyExistsError):
        made(world, ADA)
    world.tokens(ADA)


def test_it_has_to_be_an_address(world: World) -> None:
    with pytest.raises(InvalidArgumentError):
        made(world, "root")
