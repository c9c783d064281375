"""Can a job make the first administrator out of files, as often as it is run?"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

import scalar_tx
from scalar_auditor.cli import app
from scalar_auditor.identity.kept_password import KeptPassword
from scalar_auditor.schema_files import schema_files
from scalar_schema import read_files
from scalar_tx.cluster.auth.passwords import PasswordHashing

if TYPE_CHECKING:
    from pathlib import Path

ADMIN = "Ada@example.org"
PASSWORD = "a password that is long enough"


class Place:
    """A database with the tables, and the two files of a Secret."""

    def __init__(self, folder: Path) -> None:
        self._database = folder / "auditor.db"
        self.target = f"sqlite:///{self._database}"
        self.email = folder / "email"
        self.password = folder / "password"
        with scalar_tx.connect(self.target) as db:
            db.admin.create_coordinator_tables()
            for one in read_files(schema_files()):
                db.admin.create_table(one.name, one.schema)

    def run(self, *words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["admin", "--config", self.target, *words])
        return done.exit_code, done.stdout, done.stderr

    def job(self, *words: str) -> tuple[int, str, str]:
        """As the job of Kubernetes runs it."""
        files = ["--email-file", str(self.email), "--new-password-file", str(self.password)]
        return self.run(*files, "--if-none", *words)

    def contents(self) -> str:
        with sqlite3.connect(self._database) as db:
            return "\n".join(db.iterdump())

    def knows(self, email: str, password: str) -> bool:
        with scalar_tx.connect(self.target) as db:
            row = db.get("identity.user", {"user_email": email})
        assert row is not None

        async def verified() -> bool:
            hashing = PasswordHashing()
            try:
                kept = KeptPassword.of(str(row["password_hash"]))
                return (await hashing.verify(kept.hash, password)).right
            finally:
                await hashing.close()

        return asyncio.run(verified())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    place.email.write_text(f"{ADMIN}\n")
    place.password.write_text(f"{PASSWORD}\n")
    return place


def test_the_password_of_the_file_is_theirs_and_is_not_shown(place: Place) -> None:
    code, out, err = place.job()
    assert (code, err) == (0, "")
    assert ADMIN.lower() in out
    assert PASSWORD not in out
    assert place.knows(ADMIN.lower(), PASSWORD)
    assert not place.knows(ADMIN.lower(), PASSWORD + "x")


def test_a_second_time_changes_nothing_whatever_the_files_hold(place: Place) -> None:
    place.job()
    before = place.contents()
    for email, password in (
        (ADMIN, PASSWORD),
        ("bob@example.org", "another one, long enough"),
        ("REPLACE_ME", "REPLACE_ME"),
        ("", ""),
    ):
        place.email.write_text(email)
        place.password.write_text(password)
        assert place.job() == (0, "There is an AUDIT_ADMIN already; nothing was changed.\n", "")
    assert json.loads(place.job("--json")[1]) == {"made": False}
    assert place.contents() == before


def test_without_the_option_a_second_time_is_refused(place: Place) -> None:
    assert place.run(ADMIN)[0] == 0
    code, _, err = place.run("bob@example.org")
    assert code == 2
    assert "ADMIN_EXISTS" in err


@pytest.mark.parametrize(
    "email, password, said",
    [
        ("REPLACE_ME", PASSWORD, "the e-mail address in"),
        (ADMIN, "REPLACE_ME", "the placeholder REPLACE_ME"),
        (ADMIN, "REPLACE_ME_REPLACE_ME", "the placeholder REPLACE_ME"),
        ("", PASSWORD, "is empty"),
        (ADMIN, "", "is empty"),
        (ADMIN, "\n" + PASSWORD, "is empty"),
        (ADMIN, " " * 20, "is empty"),
        (ADMIN, "elevensigns", "password: it has 12 to 1024 characters"),
        (ADMIN, "x" * 1025, "password: it has 12 to 1024 characters"),
        ("no e-mail", PASSWORD, "user_email"),
        (None, PASSWORD, "STX-5251"),
        (ADMIN, None, "STX-5251"),
    ],
)
def test_what_can_be_nobodys_is_refused_and_makes_nobody(
    place: Place, email: str | None, password: str | None, said: str
) -> None:
    for file, text in ((place.email, email), (place.password, password)):
        if text is None:
            file.unlink()
        else:
            file.write_text(text)
    before = place.contents()
    code, out, err = place.job()
    assert (code, out) == (2, "")
    assert said in err
    assert "What to do:" in err
    assert not password or password not in err or password == "REPLACE_ME"
    assert place.contents() == before


def test_a_password_that_is_made_up_is_shown_once(place: Place) -> None:
    code, out, _ = place.run(ADMIN, "--if-none", "--json")
    assert code == 0
    said = json.loads(out)
    assert said["user_email"] == ADMIN.lower()
    assert place.knows(ADMIN.lower(), said["password"])
    code, out, _ = place.run(ADMIN, "--if-none", "--json")
    assert json.loads(out) == {"made": False}


@pytest.mark.parametrize("words", [[], [ADMIN, "--email-file", "email"]], ids=["none", "both"])
def test_who_it_is_is_told_once(place: Place, words: list[str]) -> None:
    code, out, err = place.run(*words)
    assert (code, out) == (2, "")
    assert "--email-file" in err
