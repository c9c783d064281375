"""Does somebody who lost their password get in again, by the commands alone and without mail?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.services.cli.world import ADMIN, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOST = "lost@example.org"
OLD = "a password that was lost since"
NEW = "a password that is written down"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as made:
        made.log_in()
        with made.client() as admin:
            admin.identity.register_user(user_email=LOST, name="Lost", password=OLD)
        yield made


def written(world: World, name: str, text: str) -> str:
    file = world.folder / name
    file.write_text(f"{text}\n")
    return str(file)


def reset(world: World, code: str) -> tuple[int, str]:
    answer = world.command(
        "reset-password",
        LOST,
        "--server",
        world.server,
        "--code-file",
        written(world, "code", code),
        "--new-password-file",
        written(world, "new", NEW),
    )
    return answer.code, answer.out + answer.err


def test_from_the_code_to_the_new_log_in(world: World) -> None:
    made = world.command("reset-code", LOST, "--config", world.config, "--json")
    assert made.code == 0, made
    code = made.data["code"]
    assert made.data["user_email"] == LOST
    assert 'event=password user="" subject="lost@example.org" result=done' in made.err
    assert f'peer="uid:{os.getuid()}"' in made.err
    assert code not in made.err
    assert "BAD_CODE" in reset(world, f"{(int(code) + 1) % 10**8:08}")[1]
    assert reset(world, code) == (0, f"password set: {LOST}\n")
    with world.client(LOST, NEW) as found:
        assert found.identity.get_user(user_email=LOST).user_email == LOST
    assert reset(world, code)[0] == 1  # it was good once


def test_for_people_it_says_what_to_do_with_it(world: World) -> None:
    said = world.ok("reset-code", LOST, "--config", world.config)
    assert f"The code for {LOST} is " in said
    assert f"scalar-auditor reset-password {LOST}" in said


def test_what_can_not_be_is_refused_by_name(world: World) -> None:
    unknown = world.command("reset-code", "who@example.org", "--config", world.config)
    assert (unknown.code, "USER_NOT_FOUND" in unknown.err) == (2, True)
    for _ in range(3):
        world.ok("reset-code", LOST, "--config", world.config)
    many = world.command("reset-code", LOST, "--config", world.config)
    assert (many.code, "TOO_MANY_CODES" in many.err) == (2, True)
    no_keys = world.command("reset-code", LOST, "--config", world.config, "--keys", "none")
    assert (no_keys.code, "STX-5301" in no_keys.err) == (2, True)
    a_node = world.command("reset-code", ADMIN, "--config", world.server)
    assert (a_node.code, "STX-5314" in a_node.err) == (2, True)


def test_without_mail_none_is_sent_and_it_says_whom_to_ask(world: World) -> None:
    answer = world.command("reset-password", LOST, "--send", "--server", world.server)
    assert answer.code == 2
    assert "NO_CODE_SENDER" in answer.err
    assert "scalar-auditor reset-code" in answer.err
