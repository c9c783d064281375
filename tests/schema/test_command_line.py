"""What does scalar-schema print, and with which code does it end?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import scalar_tx
from scalar_schema.cli import app
from scalar_schema.cli.java_form import loader

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT: dict[str, Any] = {
    "partition-key": ["id"],
    "columns": {"id": "INT", "owner": "TEXT", "balance": "BIGINT"},
}


class Shell:
    """A folder with a schema file and a settings file, in which commands run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/bank.db"
        self.file = folder / "bank.json"
        self.write()
        self.config = folder / "bank.properties"
        self.config.write_text(
            f"scalar.db.storage=sqlite\nscalar.db.contact_points={folder}/bank.db"
        )
        self.out = ""
        self.err = ""

    def write(self, **fields: Any) -> None:
        table = {**ACCOUNT, **{name.replace("_", "-"): one for name, one in fields.items()}}
        self.file.write_text(json.dumps({"bank.account": table}, indent=1))

    def __call__(self, *arguments: object, of: Any = loader) -> int:
        result = CliRunner().invoke(of, [str(one) for one in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.out, self.err = result.stdout, result.stderr
        return result.exit_code

    def tables(self) -> list[str]:
        with scalar_tx.connect(self.url) as db:
            return [one for space in db.admin.namespaces() for one in db.admin.stored_tables(space)]

    def coordinator(self) -> bool:
        with scalar_tx.connect(self.url) as db:
            return db.admin.coordinator_tables_exist()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path)


@pytest.mark.parametrize("of", [app, loader], ids=["app", "loader"])
def test_subcommands(shell: Shell, of: Any) -> None:
    common = (shell.file, "--config", shell.config, "--coordinator")
    assert shell("plan", *common, of=of) == 0
    assert shell.out.splitlines() == [
        "planned: create namespace bank",
        "planned: create table bank.account: 3 columns, key id",
        "planned: create coordinator coordinator.state: the table of decisions",
        "1 namespace, 1 table, 1 coordinator table to be done. Nothing was changed.",
    ]
    assert shell.tables() == []

    assert shell("apply", *common, "--dry-run", of=of) == 0
    assert shell.tables() == []
    assert shell("apply", *common, of=of) == 0
    assert shell.out.splitlines()[-1] == "1 namespace, 1 table, 1 coordinator table created"
    assert shell.tables() == ["bank.account"]
    assert shell.coordinator()

    assert shell("apply", *common, of=of) == 0
    assert shell.out.splitlines()[-1] == "nothing to do: 2 looked at"
    assert shell("plan", *common, of=of) == 0
    assert shell.out.splitlines()[-1] == "nothing to do: 2 looked at"

    assert shell("repair", *common, "--dry-run", of=of) == 0
    assert shell("repair", *common, of=of) == 0
    assert shell.out.splitlines()[-1] == "1 table, 1 coordinator table repaired"

    shell.write(columns={**ACCOUNT["columns"], "note": "TEXT"})
    assert shell("apply", shell.file, "-c", shell.url, of=of) == 0
    assert f"warning: {shell.file}:2:2: bank.account: the table differs: add note" in shell.err
    assert shell("plan", shell.file, "-c", shell.url, of=of) == 0
    assert "the table differs: add note TEXT" in shell.err
    assert shell("apply", "--alter", shell.file, "-c", shell.url, of=of) == 0
    assert shell.out.splitlines()[-1] == "1 table altered"

    assert shell("delete", *common, "--dry-run", of=of) == 0
    assert shell.tables() == ["bank.account"]
    assert shell("delete", *common, of=of) == 0
    assert shell.tables() == []
    assert not shell.coordinator()


def test_the_java_loaders_own_options(shell: Shell) -> None:
    common = ("--config", shell.config, "--schema-file", shell.file)
    assert shell(*common, "--replication-factor", 3, "--no-backup", "--coordinator") == 0
    assert shell.tables() == ["bank.account"]
    assert shell.coordinator()
    shell.write(columns={**ACCOUNT["columns"], "note": "TEXT"}, secondary_index=["note"])
    assert shell("-c", shell.config, "-f", shell.file, "-A") == 0
    with scalar_tx.connect(shell.url) as db:
        assert "note" in db.admin.table("bank.account").columns
    assert shell(*common, "--repair-all", "--coordinator") == 0
    assert shell(*common, "-D", "--ru", 5) == 0
    assert shell.tables() == []
    assert shell.coordinator()
    assert shell("-c", shell.config, "--coordinator", "--delete-all") == 0
    assert not shell.coordinator()
    assert shell("-c", shell.config, "--coordinator") == 0
    assert shell.coordinator()


@pytest.mark.parametrize(
    "arguments,words",
    [
        (["-D", "-A", "-f", "bank.json"], "--delete-all and --alter exclude each other"),
        (["--repair-all", "-I", "-f", "bank.json"], "--repair-all and --import exclude"),
        (["-A"], "--alter needs a schema file"),
        (["--repair-all", "--coordinator"], "--repair-all needs a schema file"),
        (["-I"], "--import needs a schema file"),
        (["-I", "-f", "bank.json", "--coordinator"], "--import goes without --coordinator"),
        (["import"], "name a schema file"),
        (["import", "bank.json", "--coordinator"], "No such option"),
        (["import", "none.json"], "none.json: the schema file can't be read"),
        (["--dry-run"], "name a schema file"),
        (["apply"], "name a schema file"),
        (["--dry-run", "apply", "bank.json"], "options go behind the subcommand"),
        (["--ru", "0", "-f", "bank.json"], "--ru"),
        (["--replication-strategy", "Simple", "-f", "bank.json"], "SimpleStrategy"),
        (["aply", "bank.json"], "apply"),
        (["-f", "none.json"], "none.json: the schema file can't be read"),
        (["apply", "bank.json", "bank.json"], "is defined in bank.json:2 already"),
        (["apply", "bank.json", "-c", "none.properties"], "none.properties can't be read"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_is_right(
    shell: Shell, arguments: list[str], words: str
) -> None:
    assert shell(*arguments) == 2
    # A box is drawn around some of them.
    said = " ".join(shell.err.replace("│", " ").split())
    assert words in said
    assert sorted(path.name for path in shell.folder.iterdir()) == ["bank.json", "bank.properties"]


def test_no_arguments_show_what_there_is(shell: Shell) -> None:
    assert shell() in {0, 2}  # it depends on the release of typer
    assert "--schema-file" in shell.out + shell.err


def test_an_error_in_a_file_names_its_line_and_nothing_is_done(shell: Shell) -> None:
    good = shell.folder / "good.json"
    good.write_text(json.dumps({"shop.item": ACCOUNT}))
    shell.write(columns={"id": "INTEGER"})
    assert shell("apply", good, shell.file, "-c", shell.url) == 2
    first, *_, last = shell.err.splitlines()
    assert first.startswith(f"error: {shell.file}:7:10: bank.account > columns > id: 'INTEGER' is")
    assert "Use one of BOOLEAN, INT" in first
    assert last == "Nothing was changed."
    assert shell.tables() == []


def test_an_option_given_twice_is_an_error(shell: Shell) -> None:
    shell.write(ru=5)
    assert shell("-f", shell.file, "-c", shell.url, "--ru", 10) == 2
    assert "bank.account > ru: ru is given here and on the command line" in shell.err
    assert shell("apply", shell.file, "-c", shell.url, "--ru", 10) == 2
    assert shell("apply", shell.file, "-c", shell.url, "--no-scaling") == 0
    assert shell("repair", shell.file, "-c", shell.url, "--ru", 10) == 2
    assert shell("-f", shell.file, "-c", shell.url, "--ru", 10, "-D") == 0


def test_an_environment_that_fails_ends_with_1(shell: Shell) -> None:
    target = f"sqlite:///{shell.folder}/missing/bank.db"
    assert shell("apply", shell.file, "-c", target) == 1
    assert shell.err.startswith("error: ")
    assert "[STX-4" in shell.err
    assert shell.err.splitlines()[-1] == "Nothing was changed."


def test_a_failure_on_the_way_says_what_was_done(shell: Shell) -> None:
    second = shell.folder / "second.json"
    twice = {"partition-key": ["id"], "columns": {"id": "INT", "ID": "INT"}}
    second.write_text(json.dumps({"bank.twice": twice, "shop.item": ACCOUNT}))
    assert shell("apply", shell.file, second, "-c", shell.url) == 2
    assert [line.partition(":")[0] for line in shell.out.splitlines()] == [
        "done",
        "done",
        "failed",
        "not begun",
        "not begun",
    ]
    assert "differ in case only" in shell.err
    assert "2 steps were done, 3 were not" in shell.err
    assert "run the same command again" in shell.err
    assert shell.tables() == ["bank.account"]


def test_json(shell: Shell) -> None:
    assert shell("apply", shell.file, "-c", shell.url, "--dry-run", "--json") == 0
    shown = json.loads(shell.out)
    assert shown == {
        "mode": "create",
        "dry_run": True,
        "ok": True,
        "steps": [
            {
                "action": "create",
                "subject": "namespace",
                "name": "bank",
                "details": [],
                "status": "planned",
            },
            {
                "action": "create",
                "subject": "table",
                "name": "bank.account",
                "details": ["3 columns, key id"],
                "status": "planned",
            },
        ],
        "warnings": [],
        "error": None,
    }
    assert shell("apply", shell.file, "-c", shell.url, "--json") == 0
    assert [step["status"] for step in json.loads(shell.out)["steps"]] == ["done", "done"]
    shell.write(columns={**ACCOUNT["columns"], "note": "TEXT"})
    assert shell("plan", shell.file, "-c", shell.url, "--json") == 0
    shown = json.loads(shell.out)
    assert [step["status"] for step in shown["steps"]] == ["skipped"]
    assert len(shown["warnings"]) == 2
    shell.write(columns={})
    assert shell("plan", shell.file, "-c", shell.url, "--json") == 2
    shown = json.loads(shell.out)
    assert not shown["ok"]
    assert shown["error"]["code"] == "STX-3061"
    assert shown["error"]["message"].endswith("the columns are missing")


def test_on_a_terminal_it_is_a_table(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    assert shell("apply", shell.file, "-c", shell.url) == 0
    assert "\x1b[32mdone" in shell.out
    assert "bank.account" in shell.out
    shell.write(columns={"id": "NO"})
    assert shell("apply", shell.file, "-c", shell.url) == 2
    assert "\x1b[1;31merror: " in shell.err


def test_main_is_the_command(shell: Shell) -> None:
    code = "from scalar_schema.cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, "-f", str(shell.file), "-c", shell.url, "--coordinator"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "schema")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert shell.tables() == ["bank.account"]


def test_the_table_of_outcomes(shell: Shell) -> None:
    common = ("--outcome", "--config", shell.url)
    assert shell("plan", *common) == 0
    assert "create table scalar_tx.outcome: 5 columns, key scope, key" in shell.out
    assert shell.tables() == []
    assert shell("apply", *common) == 0
    assert shell.tables() == ["scalar_tx.outcome"]
    assert shell("apply", shell.file, *common) == 0
    assert shell("repair", *common) == 0
    with scalar_tx.connect(shell.url) as db:
        assert db.run(lambda tx, number: number, 1, key="a") == 1
    assert shell("delete", *common) == 0
    assert shell.tables() == ["bank.account"]
    assert shell(*common) == 0  # as ScalarDB's own loader takes its options
    assert shell("-D", *common) == 0
    assert shell.tables() == ["bank.account"]
