"""Are tokens kept where only their owner reads them, renewed once, and forgotten?"""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.cli.calling import StoredTokens
from scalar_auditor.cli.credentials import PLACE
from scalar_auditor.client import AuditorError, connect
from scalar_auditor.rpc.v1 import identity_pb2
from tests.services.cli.world import ADMIN, World
from tests.services.client.scripted import Scripted
from tests.services.client.test_log_ins import REFUSED, Issuer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One without a sample."""
    with World(tmp_path_factory.mktemp("world")) as made:
        yield made


def kept(world: World) -> Path:
    return world.folder / "credentials.json"


def test_tokens_are_kept_in_a_file_of_ones_own(world: World) -> None:
    world.log_in()
    assert stat.S_IMODE(kept(world).stat().st_mode) == 0o600
    data = json.loads(kept(world).read_text())
    assert data["server"] == world.server
    assert data["log_ins"][world.server]["email"] == ADMIN
    assert world.admin_password not in kept(world).read_text()
    assert world.ok("whoami")


def test_a_file_that_others_may_read_is_refused(world: World) -> None:
    world.log_in()
    kept(world).chmod(0o644)
    answer = world.command("whoami")
    assert answer.code == 2
    assert "chmod 600" in answer.err
    kept(world).chmod(0o600)
    world.ok("whoami")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"server": "x"}', '{"server": 1, "log_ins": {"a": 1}}']
)
def test_a_file_that_is_none_of_ours_is_told(world: World, text: str) -> None:
    world.log_in()
    before = kept(world).read_text()
    kept(world).write_text(text)
    answer = world.command("whoami")
    assert answer.code == 2
    assert "STX-5312" in answer.err
    kept(world).write_text(before)


def test_who_logs_out_is_forgotten(world: World) -> None:
    world.log_in()
    token = json.loads(kept(world).read_text())["log_ins"][world.server]["access_token"]
    world.ok("logout")
    assert json.loads(kept(world).read_text()) == {"server": "", "log_ins": {}}
    answer = world.command("whoami")
    assert answer.code == 2
    assert "scalar-auditor login" in answer.err
    with world.client_with(token) as client, pytest.raises(AuditorError) as error:
        client.audit.get_audit_set(audit_set_id="1")
    assert error.value.code == "UNAUTHENTICATED"


def test_a_wrong_password_leaves_the_log_in_of_before(world: World) -> None:
    world.log_in()
    wrong = world.folder / "wrong"
    wrong.write_text("not the password of anybody")
    answer = world.command("login", ADMIN, "--server", world.server, "--password-file", str(wrong))
    assert answer.code == 1
    assert "UNAUTHENTICATED" in answer.err
    world.ok("whoami")


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        yield made


@pytest.fixture
def issuer(server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """One whose first tokens are kept, and too old."""
    issuer = Issuer(server)
    tokens = issuer.issue()
    file = tmp_path / "credentials.json"
    one = {
        "email": ADMIN,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
    }
    file.write_text(json.dumps({"server": server.target, "log_ins": {server.target: one}}))
    file.chmod(0o600)
    monkeypatch.setenv(PLACE, str(file))
    issuer.good = set()
    return issuer


def test_many_commands_at_once_refresh_once(server: Scripted, issuer: Issuer) -> None:
    """A refresh token that is used twice would end the log-in."""

    def command(_: int) -> str:
        with connect(server.target, tokens=StoredTokens(server.target)) as client:
            return client.audit.get_audit_set(audit_set_id="1").name

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(command, range(16))) == ["seen"] * 16
    assert len(server.asked_for("Refresh")) == 1


def test_a_log_in_that_has_ended_is_forgotten(server: Scripted, issuer: Issuer) -> None:
    server.says["Refresh"] = [REFUSED, identity_pb2.Tokens()]
    with connect(server.target, tokens=StoredTokens(server.target)) as client:
        with pytest.raises(AuditorError) as error:
            client.audit.get_audit_set(audit_set_id="1")
        assert error.value.code == "UNAUTHENTICATED"
        assert "Log in" in error.value.advice
        with pytest.raises(Exception, match="nobody is logged in"):
            client.audit.get_audit_set(audit_set_id="1")
    assert len(server.asked_for("Refresh")) == 1
