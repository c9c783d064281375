"""What does the loader do with tables that another program, or an older release, has made?"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import scalar_schema
import scalar_tx
from scalar_schema import Mode
from scalar_schema.cli import app
from scalar_schema.cli.java_form import loader
from scalar_tx import SchemaError
from scalar_tx.connection import parts_of
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from pathlib import Path

WANTED: dict[str, Any] = {"bank.account": {"override-columns-type": {"seen": "boolean"}}}


@pytest.fixture(autouse=True)
def database(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.executescript(
            'CREATE TABLE "bank$account" (id INT PRIMARY KEY, seen INT);'
            'CREATE TABLE "bank$odd" (id INT PRIMARY KEY, at DATETIME);'
            'INSERT INTO "bank$account" VALUES (1, 1)'
        )
    return f"sqlite:///{tmp_path}/a.db"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "import.json"
    path.write_text(json.dumps(WANTED, indent=1))
    return path


def call(of: Any, *arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(of, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


FORMS: dict[str, Any] = {
    "subcommand": lambda file, url: (app, "import", file, "-c", url),
    "Java's": lambda file, url: (loader, "-I", "-f", file, "-c", url, "--replication-factor", 3),
}


@pytest.mark.parametrize("form", FORMS)
def test_import(database: str, file: Path, form: str) -> None:
    command = FORMS[form](file, database)
    code, out, _ = call(*command, "--dry-run")
    assert code == 0
    assert "planned: import table bank.account: add the transaction columns" in out
    code, out, _ = call(*command)
    assert (code, out.splitlines()[-1]) == (0, "1 table imported")
    with scalar_tx.connect(database) as db:
        assert dict(db.get("bank.account", {"id": 1}) or {}) == {"id": 1, "seen": True}
    code, out, _ = call(*command)
    assert (code, out.splitlines()[-1]) == (0, "nothing to do: 1 looked at")


def test_what_can_not_be_imported_names_the_place(database: str, file: Path) -> None:
    file.write_text(json.dumps({"bank.account": {}, "bank.odd": {}}, indent=1))
    code, out, err = call(app, "import", file, "-c", database)
    assert code == 2
    assert f"{file}:3:2: bank.odd" in err
    assert "at is of the type DATETIME" in err
    assert "1 steps were done, 1 were not" in err
    assert out.startswith("done: import table bank.account")


REFUSED = {
    "a list": ([], "not an object"),
    "a table of nothing": ({"bank.account": None}, "a table is an object"),
    "three parts": ({"bank.account.x": {}}, "more than one dot"),
    "no such type": ({"bank.account": {"override-columns-type": {"a": "UUID"}}}, "UUID"),
    "a type that is no text": ({"bank.account": {"override-columns-type": {"a": 1}}}, "is a text"),
    "types that are no object": ({"bank.account": {"override-columns-type": []}}, "not an object"),
    "no flag": ({"bank.account": {"transaction": "yes"}}, "not true or false"),
    "decoupled": ({"bank.account": {"transaction-metadata-decoupling": True}}, "kept apart"),
    "an option of a list": ({"bank.account": {"ru": [1]}}, "an option is a text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_can_not_be(file: Path, case: str) -> None:
    content, words = REFUSED[case]
    file.write_text(json.dumps(content))
    with pytest.raises(SchemaError, match=words) as caught:
        scalar_schema.read_import_files([file])
    assert caught.value.code == "STX-3061"
    assert str(file) in caught.value.message


def test_a_file_says_what_is_not_in_the_database(file: Path) -> None:
    """A schema file serves too: what it says of columns and keys is ignored, as by Java."""
    fields = {"columns": {"x": "NO"}, "partition-key": [], "transaction": False, "ru": 5}
    file.write_text(json.dumps({"bank.account": fields, "bank.odd": WANTED["bank.account"]}))
    first, second = scalar_schema.read_import_files([file], {"ru": "9", "no-backup": "true"})
    assert (first.transaction, dict(first.options)) == (False, {"ru": "5", "no-backup": "true"})
    assert dict(second.override_types) == {"seen": DataType.BOOLEAN}
    with pytest.raises(SchemaError, match="already"):
        scalar_schema.read_import_files([file, file])


def test_load_by_code(database: str, file: Path) -> None:
    with scalar_tx.connect(database) as db:
        assert len(scalar_schema.load(db, [file], Mode.IMPORT).done) == 1
        assert db.admin.tables("bank") == ["bank.account"]
        db.admin.create_index("bank.account", "seen")
        storage = parts_of(db).storage
        scalar_tx.runtime.blocking.run_blocking(_without_twin(storage))
        outcome = scalar_schema.load(db, [], Mode.UPGRADE)
        assert outcome.done[0].details == ("index bank.account.before_seen",)
        stored = db.admin.stored_table("bank.account")
        assert stored is not None
        assert set(stored.secondary_index) == {"seen", "before_seen"}


async def _without_twin(storage: Any) -> None:
    table = await storage.admin.table("bank.account")
    await storage.admin.drop_index(table, "before_seen")


def test_upgrade(database: str, file: Path) -> None:
    call(app, "import", file, "-c", database)
    with scalar_tx.connect(database) as db:
        db.admin.create_index("bank.account", "seen")
        scalar_tx.runtime.blocking.run_blocking(_without_twin(parts_of(db).storage))
    code, out, _ = call(app, "upgrade", "-c", database, "--dry-run")
    assert (code, "index bank.account.before_seen" in out) == (0, True)
    code, out, _ = call(app, "upgrade", "-c", database)
    assert (code, out.splitlines()[-1]) == (0, "1 database upgraded")
    code, out, _ = call(app, "upgrade", "-c", database)
    assert (code, out.splitlines()[-1]) == (0, "nothing to do: 1 looked at")
