"""Does the command line start light, end with the right code, and always say what to do next?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx import errors
from scalar_tx.cli.failures import exit_code
from tests.architecture.checkout import ROOT
from tests.cli.stage import command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.stage import Stage

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "schema")])}

PROBE = """
import json, sys
from scalar_tx.cli import app
try:
    app(["--help"], prog_name="scalar-tx")
except SystemExit:
    pass
print(json.dumps(sorted(sys.modules)))
"""


def process(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_imports_no_storage_and_no_schema_loader(tmp_path: Path) -> None:
    answer = process("-c", PROBE, folder=tmp_path)
    *text, modules = answer.stdout.splitlines()
    assert "check-data" in "".join(text)
    heavy = ("sqlite3", "scalar_schema", "scalar_tx.storage.sqlite", "scalar_tx.storage.memory")
    assert [name for name in json.loads(modules) if name.startswith(heavy)] == []


def test_the_module_runs_as_a_process(stage: Stage, tmp_path: Path) -> None:
    arguments = ["-m", "scalar_tx", "inspect", "bank.account", "id=1", "--json"]
    answer = process(*arguments, "--config", stage.target, folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["state"] == "COMMITTED"


def test_without_a_target_the_file_of_the_folder_counts(stage: Stage, tmp_path: Path) -> None:
    stage.path.rename(tmp_path / "scalar_tx.db")
    assert process("-m", "scalar_tx", "check-data", folder=tmp_path).returncode == 0
    (tmp_path / "scalardb.properties").write_text(
        "scalar.db.storage=sqlite\nscalar.db.contact_points=other.db\n"
    )
    answer = process("-m", "scalar_tx", "check-data", folder=tmp_path)
    assert answer.returncode == 1
    assert "there is no database at scalardb.properties" in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "a.b", "id=1"),
        ("recover", "--all"),
        ("state", "x"),
        ("settle", "x"),
        ("check-data",),
    ],
)
def test_no_command_makes_a_database(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = command(*arguments, "--config", f"sqlite:///{tmp_path}/none.db")
    assert answer.code == 1
    assert answer.out == ""
    assert "there is no database" in answer.err
    assert "What to do: " in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_target_is_wrong_use() -> None:
    answer = command("state", "x", "--config", "oracel://host")
    assert (answer.code, "What to do: " in answer.err) == (2, True)


@pytest.mark.parametrize("arguments", [("inspect",), ("inspct",), ("state", "x", "--jsno")])
def test_what_the_parser_refuses_is_wrong_use(arguments: tuple[str, ...]) -> None:
    assert command(*arguments).code == 2


# every error of the library -> its exit code
CODES = {
    errors.ConflictError: 1,
    errors.ConditionNotMetError: 1,
    errors.RecordNotFoundError: 1,
    errors.UnknownOutcomeError: 1,
    errors.TransactionNotFoundError: 2,
    errors.InvalidOperationError: 2,
    errors.SettingsError: 2,
    errors.SchemaError: 1,
    errors.StorageUnavailableError: 1,
}


@pytest.mark.parametrize("kind", errors.ScalarTxError.__subclasses__())
def test_every_error_has_an_exit_code(kind: type[errors.ScalarTxError]) -> None:
    assert exit_code(kind("what happened")) == CODES[kind]


def test_a_missing_coordinator_table_is_no_mistake_in_the_command() -> None:
    assert exit_code(errors.InvalidOperationError("no table", code="STX-3040")) == 1


def test_version() -> None:
    assert command("--version").out == f"scalar-tx {scalar_tx.__version__}\n"


def test_schema_is_the_schema_loader(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(
        json.dumps(
            {
                "shop.item": {
                    "transaction": True,
                    "partition-key": ["id"],
                    "columns": {"id": "TEXT", "price": "BIGINT"},
                }
            }
        )
    )
    answer = stage.command("schema", "apply", str(file))
    assert answer.code == 0, answer.err
    with scalar_tx.connect(stage.target) as db:
        assert db.admin.tables("shop") == ["shop.item"]
    assert "apply" in command("schema", "--help").out
    assert command("schema", "aply", str(file)).code == 2
