"""Are keys made, rotated and named without ever being shown or lost?"""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scalar_auditor.cli import app
from scalar_auditor.keys import KeyRing


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["keys", *words])
    return done.exit_code, done.stdout, done.stderr


def test_a_new_file_is_ones_own_and_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert run("new", str(file), "--id", "first")[0] == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    code, _, err = run("new", str(file))
    assert code == 2
    assert "keys rotate" in err
    assert file.read_bytes() == before


def test_what_was_signed_is_still_checked_after_a_rotation(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    run("new", str(file), "--id", "first")
    before = KeyRing.read(file)
    assert run("rotate", str(file), "--id", "second")[0] == 0
    after = KeyRing.read(file)
    assert (after.current, after.ids) == ("second", ["first", "second"])
    assert after.mac(b"text", "first") == before.mac(b"text")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["keys.json"]
    code, _, err = run("rotate", str(file), "--id", "second")
    assert code == 2
    assert "nothing was changed" in err
    assert KeyRing.read(file) == after


def test_ids_are_shown_and_keys_never(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    outputs = [
        run("new", str(file), "--id", "first", "--json"),
        run("rotate", str(file), "--id", "second"),
        run("show-ids", str(file)),
        run("show-ids", str(file), "--json"),
        run("rotate", str(file), "--id", "second"),
    ]
    assert outputs[2][1] == "first\nsecond (current)\n"
    assert json.loads(outputs[3][1]) == {"current": "second", "ids": ["first", "second"]}
    secrets = json.loads(file.read_text())["keys"].values()
    assert all(secret not in out + err for secret in secrets for _, out, err in outputs)


@pytest.mark.parametrize("words", [["new"], ["rotate"], ["show-ids"]])
def test_a_place_that_can_not_be_is_told(tmp_path: Path, words: list[str]) -> None:
    code, _, err = run(*words, str(tmp_path / "no folder" / "keys.json"))
    assert code == 2
    assert "no folder" in err
    assert "What to do:" in err


def test_a_key_is_named_after_the_day(tmp_path: Path) -> None:
    run("new", str(tmp_path / "keys.json"))
    [key_id] = KeyRing.read(Path(tmp_path / "keys.json")).ids
    assert len(key_id.split("-")) == 3
