"""Are keys made, rotated and named without ever being shown or lost?"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
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


@pytest.mark.parametrize("is_link", [False, True])
def test_whoever_could_read_the_keys_can_after_a_rotation(tmp_path: Path, is_link: bool) -> None:
    """Such as a node that is in the file's group."""
    file, named = tmp_path / "keys.json", tmp_path / "link.json"
    run("new", str(file), "--id", "first")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12_345, 23_456)
    before = file.stat()
    if is_link:
        named.symlink_to(file)
    assert run("rotate", str(named if is_link else file), "--id", "second")[0] == 0
    after = file.stat()
    assert KeyRing.read(file).current == "second"
    assert named.is_symlink() == is_link
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10));"
        "from scalar_auditor.cli import app; app(['keys', 'new', sys.argv[1]])"
    )
    file = tmp_path / "keys.json"
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "can't be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


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
