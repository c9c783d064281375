"""Do the commands about users do what they say, and keep what they are told?"""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import scalar_tx
from scalar_tx.cli import app
from tests.cluster.security.people import PASSWORD, SCHEMA
from tests.cluster.served import Served, Users

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = "the root's long password"
TABLE = "shop.orders"
# Its terminal is the one that it asks people on.
ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    users = Users()
    made = Served("memory://", users=users)

    async def make() -> None:
        await made.manager.admin.create_coordinator_tables()
        await made.manager.admin.create_table(TABLE, SCHEMA)
        await users.principals.create_tables()
        await users.principals.users.create("root", ROOT, superuser=True)

    made.run(make())
    yield made
    made.close()


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text(f"{PASSWORD}\n")
    return str(path)


def command(served: Served, *arguments: str, **environment: str) -> tuple[int, str, str]:
    env = {"SCALAR_TX_USER": "root", "SCALAR_TX_PASSWORD": ROOT, **environment}
    done = CliRunner().invoke(app, ["user", *arguments, "--config", served.url], env=env)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert PASSWORD not in done.output
    assert ROOT not in done.output
    return done.exit_code, done.stdout, done.stderr


def found(served: Served, *arguments: str) -> Any:
    code, out, err = command(served, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_from_the_first_to_the_last(served: Served, secret: str) -> None:
    assert command(served, "create", "ada", "--new-password-file", secret)[:2] == (
        0,
        "created: ada\n",
    )
    assert found(served, "role", "create", "clerks") == {"done": "created", "role": "clerks"}
    assert command(served, "role", "grant", "clerks", "ada")[0] == 0
    assert command(served, "grant", "role:clerks", "ALL", "shop")[0] == 0
    granted = command(served, "grant", "ada", "select, grant", TABLE)
    assert granted[1] == f"granted: user:ada, SELECT GRANT, {TABLE}\n"
    assert found(served, "list") == [
        {"user": "ada", "superuser": False, "roles": ["clerks"]},
        {"user": "root", "superuser": True, "roles": []},
    ]
    assert command(served, "list")[1] == "ada role:clerks\nroot superuser\n"
    assert found(served, "grants", "ada") == [
        {"subject": "user:ada", "privileges": ["GRANT", "SELECT"], "place": TABLE}
    ]
    assert command(served, "grants", "role:clerks")[1] == (
        "shop: ALTER CREATE DELETE DROP INSERT SELECT TRUNCATE UPDATE\n"
    )
    with scalar_tx.connect(served.url, username="ada", password=PASSWORD) as db:
        db.upsert(TABLE, {"id": 1, "n": 1})
    assert command(served, "revoke", "ada", "GRANT", TABLE)[0] == 0
    assert found(served, "grants", "ada")[0]["privileges"] == ["SELECT"]
    assert command(served, "log-out", "ada")[1] == "logged out: ada\n"
    assert command(served, "role", "revoke", "clerks", "ada")[0] == 0
    assert command(served, "role", "drop", "clerks")[0] == 0
    assert command(served, "drop", "ada")[0] == 0
    assert [one["user"] for one in found(served, "list")] == ["root"]


def test_a_password_is_made_up_and_changed(served: Served, secret: str, tmp_path: Path) -> None:
    made = found(served, "create", "bob", "--generate")
    first = tmp_path / "first"
    first.write_text(made["password"])
    as_bob = {"SCALAR_TX_USER": "bob", "SCALAR_TX_PASSWORD": ""}
    own = ("--password-file", str(first), "--new-password-file", secret)
    assert command(served, "password", *own, **as_bob)[1] == "password set: bob\n"
    assert command(served, "password", *own, **as_bob)[0] == 2  # the first one is no good any more
    assert command(served, "grants", "--password-file", secret, **as_bob)[0] == 0
    set_anew = found(served, "password", "bob", "--generate")
    assert set_anew.keys() == {"done", "user", "password"}
    code, _, err = command(served, "grants", "--password-file", secret, **as_bob)
    assert (code, "STX-5203" in err) == (2, True)
    assert command(served, "drop", "bob")[0] == 0


@pytest.mark.parametrize(
    "arguments, environment, code, error",
    [
        (["list"], {"SCALAR_TX_PASSWORD": "not the password"}, 2, "STX-5203"),
        (["list"], {"SCALAR_TX_PASSWORD": ""}, 2, "STX-5252"),
        (["list"], {"SCALAR_TX_USER": ""}, 2, "STX-5252"),
        (["list", "--password-file", "/no/such/file"], {}, 2, "STX-5251"),
        (["create", "eve", "--new-password-file", "/no/such/file"], {}, 2, "STX-5251"),
        (["create", "eve"], {}, 2, "STX-5252"),
        (["create", "root", "--generate"], {}, 2, "STX-5210"),
        (["drop", "nobody"], {}, 2, "STX-5211"),
        (["drop", "root"], {}, 2, "STX-5212"),
        (["grant", "root", "FLY", "shop"], {}, 2, "STX-5215"),
        (["grant", "root", "SELECT", "scalar_tx"], {}, 2, "STX-5202"),
    ],
)
def test_what_goes_wrong(
    served: Served, arguments: list[str], environment: dict[str, str], code: int, error: str
) -> None:
    done, out, err = command(served, *arguments, **environment)
    assert (done, error in err, out) == (code, True, ""), err


def test_a_database_has_no_users() -> None:
    done = CliRunner().invoke(app, ["user", "list", "--config", "memory://"])
    assert (done.exit_code, "STX-5250" in done.stderr) == (2, True)


def reset(config: str, *arguments: str) -> tuple[int, str, str]:
    """Without anybody who could log in."""
    env = {"SCALAR_TX_USER": "", "SCALAR_TX_PASSWORD": ""}
    done = CliRunner().invoke(app, ["user", "reset", *arguments, "--config", config], env=env)
    assert PASSWORD not in done.output
    return done.exit_code, done.stdout, done.stderr


def test_a_lost_password_is_set_in_the_database(tmp_path: Path, secret: str) -> None:
    target = f"sqlite:///{tmp_path / 'node.db'}"
    users = Users()
    node = Served(target, users=users)
    try:
        node.run(node.manager.admin.create_table(TABLE, SCHEMA))
        node.run(users.principals.create_tables())
        lost = node.run(users.principals.bootstrap())
        done = reset(target, "admin", "--new-password-file", secret)
        assert done[:2] == (0, "password set: admin\n")
        with scalar_tx.connect(node.url, username="admin", password=lost) as db:
            with pytest.raises(scalar_tx.ScalarTxError) as refused:
                db.upsert(TABLE, {"id": 1, "n": 1})
            assert refused.value.code == "STX-5203"
        with scalar_tx.connect(node.url, username="admin", password=PASSWORD) as db:
            db.upsert(TABLE, {"id": 1, "n": 3})
        code, out, _ = reset(target, "admin", "--generate", "--json")
        made = json.loads(out)
        assert (code, made.keys()) == (0, {"done", "user", "password"})
        with scalar_tx.connect(node.url, username="admin", password=made["password"]) as db:
            assert db.get(TABLE, {"id": 1}) == {"id": 1, "n": 3}
        code, _, err = reset(target, "nobody", "--generate")
        assert (code, "STX-5211" in err) == (2, True)
        code, _, err = reset(node.url, "admin", "--generate")
        assert (code, "STX-5256" in err) == (2, True)
    finally:
        node.close()


def test_a_reset_leaves_a_line_for_the_security_log(
    tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"sqlite:///{tmp_path / 'node.db'}"
    users = Users()
    node = Served(target, users=users)
    try:
        node.run(users.principals.create_tables())
        node.run(users.principals.bootstrap())
    finally:
        node.close()
    event = (
        f'event=password user="" subject="admin" result=done peer="uid:{os.getuid()}" '
        'detail="reset in the database itself"'
    )
    done = reset(target, "admin", "--new-password-file", secret)
    line = done[2].removesuffix("\n")
    assert re.fullmatch(r"\S+Z INFO +user reset scalar_tx\.security: (.*)", line)[1] == event  # type: ignore[index]
    refused = reset(target, "nobody", "--new-password-file", secret)
    assert (refused[0], "event=" in refused[2]) == (2, False)

    properties = tmp_path / "node.properties"
    properties.write_text(
        f"scalar.db.storage=sqlite\nscalar.db.contact_points={tmp_path / 'node.db'}\n"
        "scalar.db.node.log_format=json\n"
    )
    code, out, err = reset(str(properties), "admin", "--generate", "--json")
    assert json.loads(err)["message"] == event
    assert (code, json.loads(out)["password"] in err) == (0, False)

    monkeypatch.setenv("SCALAR_DB_LOG_LEVEL", "WARN")  # then a node would leave it out too
    assert reset(target, "admin", "--new-password-file", secret)[2] == ""
    assert logging.getLogger("scalar_tx.security").handlers == []


def test_where_no_users_are_none_is_made(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'other.db'}"
    code, _, err = reset(target, "admin", "--generate")
    assert (code, "STX-4005" in err) == (1, True)
    assert not (tmp_path / "other.db").exists()
    with scalar_tx.connect(target) as db:
        db.admin.create_table(TABLE, SCHEMA)
    code, _, err = reset(target, "admin", "--generate")
    assert (code, "STX-5256" in err) == (2, True)
    with scalar_tx.connect(target) as db:
        assert "scalar_tx" not in db.admin.namespaces()


def test_no_node_answers() -> None:
    env = {"SCALAR_TX_USER": "root", "SCALAR_TX_PASSWORD": ROOT}
    done = CliRunner().invoke(app, ["user", "list", "--config", "grpc://127.0.0.1:1"], env=env)
    assert (done.exit_code, "STX-5061" in done.stderr) == (1, True)


def test_passwords_are_typed_without_echo(served: Served) -> None:
    """On a real terminal: log in, type a new password twice, the second time otherwise."""
    answers = {"Password of root: ": ROOT, "New password of carl: ": PASSWORD}
    shown, code = on_terminal(
        served, ["create", "carl", "--user", "root"], {**answers, "Once more: ": PASSWORD}
    )
    assert (code, "created: carl" in shown) == (0, True), shown
    shown, code = on_terminal(
        served,
        ["password", "carl", "--user", "root"],
        {**answers, "Once more: ": "something else, as long"},
    )
    assert (code, "STX-5253" in shown) == (2, True), shown
    assert found(served, "drop", "carl")


def on_terminal(served: Served, arguments: list[str], answers: dict[str, str]) -> tuple[str, int]:
    """Run a command on a terminal of its own; all that was shown there, and its exit code."""
    terminal, end = pty.openpty()
    whole = ["-m", "scalar_tx", "user", *arguments, "--config", served.url]
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, *whole],
        stdin=end,
        stdout=end,
        stderr=end,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    os.close(end)
    shown, waiting, ends = "", dict(answers), time.monotonic() + 30
    while time.monotonic() < ends:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the process has ended
            break
        if not data:
            break
        shown += data.decode()
        for prompt in [one for one in waiting if shown.endswith(one)]:
            os.write(terminal, f"{waiting.pop(prompt)}\n".encode())
    os.close(terminal)
    code = process.wait(10)
    assert not waiting, shown
    assert all(secret not in shown for secret in answers.values())
    return shown, code
