"""Does the tour find or start the databases that it is asked for, and leave them as they were?"""

from __future__ import annotations

import json
import random
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.cli.demo.bank import ACCOUNTS, Bank
from scalar_tx.cli.demo.configured import names
from scalar_tx.cli.demo.job import Job
from scalar_tx.settings import load
from tests.cli.stage import command
from tests.cli.test_command_line import ENVIRONMENT

if TYPE_CHECKING:
    from tests.servers import Cluster

SHORT = ("--processes", "2", "--seconds", "1")


def test_the_bank_is_dealt_out_to_its_storages() -> None:
    bank = Bank(("a", "b", "c"))
    assert bank.accounts == ("bank_a.account", "bank_b.account", "bank_c.account")
    assert bank.namespaces == {"bank": "a", "bank_a": "a", "bank_b": "b", "bank_c": "c"}
    dice = random.Random(1)
    for _ in range(200):
        source, target = bank.draw(dice)
        assert bank.account(source) != bank.account(target)
    assert {bank.account(number) for number in range(1, ACCOUNTS + 1)} == set(bank.accounts)
    assert Bank().accounts == Bank(("a",)).accounts == ("bank.account",)
    assert Bank(("a",)).namespaces == {}


def test_a_transfer_moves_money_between_the_tables() -> None:
    bank = Bank(("a", "b"))
    with scalar_tx.connect("memory://") as db:
        bank.make(db)
        db.run(bank.pay, ("one", 1, 2, 10))
        balances, ledger = bank.read(db)
        assert (balances[1], balances[2], sum(balances.values())) == (990, 1010, 1000 * ACCOUNTS)
        assert [dict(one) for one in ledger] == [
            {"id": "one", "source": 1, "target": 2, "amount": 10}
        ]
        bank.remove(db)
        assert [name for name in db.admin.namespaces() if name.startswith("bank")] == []


def test_a_process_is_told_where_the_bank_lies() -> None:
    job = Job("one", "a.properties", "log", "end", storages="a+b")
    assert Job.from_text(job.to_text()).bank == Bank(("a", "b"))
    assert Job("one", "a.db", "log", "end").bank == Bank()


@pytest.mark.parametrize(
    "storage,said",
    [
        ("casandra", "'casandra'"),
        ("cassandra+", "''"),
        ("memory", "'memory'"),  # processes can't share it
        ("dynamo+dynamodb", "twice"),
        ("cassandra,dynamodb", "+"),
    ],
)
def test_a_wrong_name_is_refused_with_the_right_ones(storage: str, said: str) -> None:
    answer = command("demo", "--storage", storage)
    assert answer.code == 2
    assert said in answer.err
    if said != "twice":
        assert all(name in answer.err for name in names())


def test_the_names() -> None:
    assert names() == ["sqlite", "postgresql", "mysql", "cassandra", "dynamodb"]


def test_servers_of_the_tour_are_not_kept() -> None:
    answer = command("demo", "--storage", "postgresql", "--keep")
    assert answer.code == 2
    assert "make servers" in " ".join(answer.err.split())


def test_settings_that_lack_a_storage_are_refused(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/x.db"
    answer = command("demo", "--storage", "sqlite+cassandra", "--config", target)
    assert answer.code == 2
    assert "describes sqlite, but not cassandra" in answer.err
    assert "leave --config out" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_an_installed_library_starts_no_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scalar_tx, "__file__", str(tmp_path / "scalar_tx" / "__init__.py"))
    answer = command("demo", "--storage", "cassandra+dynamodb")
    assert answer.code == 1
    assert "Java" in answer.out
    assert "from a checkout" in answer.err
    assert "--config" in answer.err
    assert "STX-4007" in answer.err


def test_missing_maven_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALAR_TX_SERVERS_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = command("demo", "--storage", "postgresql")
    assert answer.code == 1
    assert "Maven" in answer.err
    assert "STX-4007" in answer.err


def tour(folder: Path, *arguments: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "scalar_tx", "demo", *SHORT, *arguments],
        cwd=folder,
        env={**ENVIRONMENT, "COLUMNS": "80"},
        check=False,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_over_cassandra_and_dynamodb_as_settings_name_them(
    tmp_path: Path, cassandra_server: Cluster, dynamodb_server: Cluster
) -> None:
    multi = "scalar.db.multi_storage"
    lines = {
        "scalar.db.storage": "multi-storage",
        f"{multi}.storages": "first,second,third",
        f"{multi}.default_storage": "third",
        f"{multi}.storages.third.storage": "sqlite",
        f"{multi}.storages.third.contact_points": str(tmp_path / "third.db"),
    }
    for name, server in (("first", cassandra_server), ("second", dynamodb_server)):
        for key, text in server.properties().items():
            lines[key.replace("scalar.db.", f"{multi}.storages.{name}.")] = text
    file = tmp_path / "mine.properties"
    file.write_text("".join(f"{key}={text}\n" for key, text in lines.items()))
    arguments = ("--storage", "cassandra+dynamodb", "--config", str(file), "--json")
    found = json.loads(tour(tmp_path, *arguments))
    assert (found["broken_promises"], found["recovered_records"]) == ([], 3)
    assert found["exact"]
    for server in (cassandra_server, dynamodb_server):
        with scalar_tx.connect(server.properties()) as db:
            assert [name for name in db.admin.namespaces() if name.startswith("bank")] == []
    assert {path.name for path in tmp_path.iterdir()} == {"mine.properties"}


@pytest.mark.servers("postgresql")
def test_over_a_server_that_the_tour_starts(tmp_path: Path) -> None:
    said = tour(tmp_path, "--storage", "postgresql")
    assert "Java 17 and Maven" in " ".join(said.split())
    assert "The total is exact. Nothing was lost." in said
    found = re.search(r"postgresql serves at 127\.0\.0\.1:(\d+)", said)
    assert found is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(found[1])), timeout=5)
    assert list(tmp_path.iterdir()) == []


def test_the_settings_of_the_tour_open(tmp_path: Path) -> None:
    from scalar_tx.cli.demo.place import place
    from scalar_tx.cli.output import console

    file = tmp_path / "mine.properties"
    file.write_text(
        "scalar.db.storage=sqlite\n"
        f"scalar.db.contact_points={tmp_path / 'mine.db'}\n"
        "scalar.db.password=a\\\\b\n"
        "scalar.db.consensus_commit.isolation_level=SNAPSHOT\n"
    )
    with place(console(quiet=True), keep=False, storages=["sqlite"], config=str(file)) as found:
        settings = load(found.target)
        assert settings.storage.contact_points == (str(tmp_path / "mine.db"),)
        assert settings.storage.password == "a\\b"
        # Of the transactions over it the tour has settings of its own.
        assert not settings.consensus_commit.isolation_named
        assert Path(found.target).stat().st_mode & 0o077 == 0
    assert not found.folder.exists()
