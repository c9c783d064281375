"""How do commands end that can't do their work, and what does the command line load to say so?"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from scalar_auditor.cli import app
from scalar_auditor.cli.calling import TOKEN
from scalar_auditor.cli.credentials import PLACE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAVY = ("grpc", "google.protobuf", "rich.table", "scalar_tx.storage.sqlite", "scalar_tx.cluster")


def run(*words: str, **variables: str) -> tuple[int, str, str]:
    done = CliRunner(env=variables).invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words
        return
    for name, one in inner.items():
        yield from commands(one, *words, name)


EVERY = list(commands(get_command(app)))


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_says_what_it_is_for(words: tuple[str, ...]) -> None:
    code, out, _ = run(*words, "--help", COLUMNS="200")
    assert code == 0
    assert "Usage:" in out


def test_help_loads_nothing_heavy() -> None:
    program = (
        f"import sys, scalar_auditor.cli; print([one for one in {HEAVY!r} if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"[]\n"


def test_version() -> None:
    code, out, _ = run("--version")
    assert (code, out.split()[0]) == (0, "scalar-auditor")


def test_nobody_is_logged_in(tmp_path: Path) -> None:
    where = {PLACE: str(tmp_path / "none")}
    for words in (
        ["whoami"],
        ["sets", "list"],
        ["logout"],
        ["sets", "list", "--server", "grpc://x"],
    ):
        code, out, err = run(*words, **where)
        assert (code, out) == (2, "")
        assert "scalar-auditor login" in err
        assert "STX-5313" in err


@pytest.mark.parametrize(
    "words, expected, said",
    [
        (["sets", "list", "--server", "sqlite:///shop.db"], 2, "offered by nodes"),
        (["sets", "list", "--server", "grpc://a b"], 2, "no address"),
        (["sets", "nothing"], 2, ""),
        (["sample", "--items", "10", "--events", "5", "--server", "grpc://x"], 2, "at least 10"),
        (["admin", "no e-mail", "--config", "memory://"], 2, "user_email"),
        (["admin", "ada@example.org", "--config", "grpc://x"], 2, "STX-5314"),
        (["check", "--config", "sqlite:///none.db", "--keys", "none"], 2, "STX-5301"),
        (["import", "none.json", "--user", "17", "--server", "grpc://x"], 2, "none.json"),
    ],
)
def test_wrong_use_says_what_to_do(
    words: list[str], expected: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*words, **{TOKEN: "a token", PLACE: str(tmp_path / "none")})
    assert (code, out) == (expected, "")
    assert said in err
    assert "Traceback" not in err


def test_a_node_that_is_away_is_no_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalar_auditor.client.connection._CONNECT_SECONDS", 0.1)
    code, _, err = run("sets", "list", "--server", "grpc://127.0.0.1:1", **{TOKEN: "a token"})
    assert code == 1
    assert "nobody listens there" in err


def test_no_command_makes_a_database(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/mistyped.db"
    code, _, err = run("admin", "ada@example.org", "--config", target)
    assert code == 1
    assert "STX-4005" in err
    assert list(tmp_path.iterdir()) == []
