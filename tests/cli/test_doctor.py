"""Does ``doctor`` tell what is wrong and what to do, and change nothing?"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.cli.examination import clock_findings, outcomes_findings
from scalar_tx.model.finding import Verdict
from scalar_tx.settings import load
from tests.cli.stage import command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.stage import Stage


def found(data: Any, section: str, subject: str) -> dict[str, Any]:
    (one,) = [one for one in data["sections"][section] if one["subject"] == subject]
    assert isinstance(one, dict)
    return one


def diagnosed(target: str, code: int = 0) -> Any:
    answer = command("doctor", "--config", target, "--json")
    assert answer.code == code, answer.out
    return answer.data


def test_a_healthy_database(stage: Stage) -> None:
    data = diagnosed(stage.target)
    assert data["worst"] == "note"
    assert {one["subject"] for one in data["sections"]["versions"]} == {"scalar_tx", "Python"}
    storage = {one["subject"]: one["text"] for one in data["sections"]["storage sqlite"]}
    assert storage["SQLite"] == f"version {sqlite3.sqlite_version}"
    assert storage["journal"].startswith("journal_mode=wal")
    assert storage["durability"].startswith("synchronous=extra")
    assert storage["waiting"].startswith("busy_timeout=10000")
    assert found(data, "tables", "all")["text"] == "1 table is ready for transactions"
    assert found(data, "settings", "isolation")["text"].startswith("SERIALIZABLE")
    assert "All is well." in stage.command("doctor").out


# parameters of a URL -> what is found, how bad it is
URLS = {
    "synchronous=off": ("durability", "bad"),
    "synchronous=normal": ("durability", "warning"),
    "synchronous=full": ("durability", "good"),
    "synchronous=extra": ("durability", "good"),
    "journal_mode=delete&synchronous=full": ("durability", "warning"),
    "busy_timeout=10": ("waiting", "warning"),
    "journal_mode=delete": ("journal", "warning"),
    "journal_mode=memory": ("journal", "bad"),
    "journal_mode=delete&synchronous=normal": ("durability", "bad"),
}


@pytest.mark.parametrize("parameters", URLS)
def test_settings_of_the_file(stage: Stage, parameters: str) -> None:
    subject, verdict = URLS[parameters]
    data = diagnosed(f"{stage.target}?{parameters}", code=1 if verdict == "bad" else 0)
    one = found(data, "storage sqlite", subject)
    assert one["verdict"] == verdict
    assert (one["advice"] is None) == (verdict == "good")


def test_the_journal_mode_is_not_switched_by_looking(tmp_path: Path) -> None:
    path = tmp_path / "java.db"
    with scalar_tx.connect(f"jdbc:sqlite:{path}") as db:
        db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
    mode = found(diagnosed(f"jdbc:sqlite:{path}"), "storage jdbc", "journal")
    assert (mode["verdict"], mode["text"].partition(":")[0]) == ("warning", "journal_mode=delete")
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("delete",)]
    connection.close()


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    data = diagnosed(f"sqlite:///{tmp_path}/none.db")
    assert "made by its first use" in found(data, "storage sqlite", "file")["text"]
    assert "tables" not in data["sections"]
    assert list(tmp_path.iterdir()) == []


def test_what_opening_would_switch_is_told_and_not_done(tmp_path: Path) -> None:
    path = tmp_path / "java 100%41.db"
    with scalar_tx.connect(f"jdbc:sqlite:{path}") as db:
        db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
    before = path.read_bytes()
    answer = command("doctor", "--config", f"sqlite:///{path}", "--json")
    text = found(answer.data, "storage sqlite", "journal")["text"]
    assert text.startswith("journal_mode=wal (the file is in delete and is switched when")
    for arguments in (["inspect", "a.b", "id=1"], ["state", "x"], ["check-data"]):
        assert command(*arguments, "--config", f"sqlite:///{path}").code == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\0" + b"x" * 5000])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.db"
    path.write_bytes(content)
    one = found(diagnosed(f"sqlite:///{path}", code=1), "storage sqlite", "file")
    assert one["verdict"] == "bad"
    assert one["advice"]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    one = found(diagnosed(f"sqlite:///{tmp_path}/no/x.db", code=1), "storage sqlite", "file")
    assert "there is no directory" in one["text"]


def test_no_password_is_shown(tmp_path: Path, stage: Stage) -> None:
    file = tmp_path / "secret.properties"
    file.write_text(
        f"scalar.db.storage=sqlite\nscalar.db.contact_points={stage.path}\n"
        "scalar.db.username=ann\nscalar.db.password=hush-hush\n"
    )
    for arguments in (["--json"], []):
        answer = command("doctor", "--config", str(file), *arguments)
        assert answer.code == 0
        assert "ann" in answer.out
        assert "hush" not in answer.out + answer.err


def test_remarks_about_settings_are_shown(tmp_path: Path, stage: Stage) -> None:
    file = tmp_path / "shared.properties"
    file.write_text(
        f"scalar.db.storage=sqlite\nscalar.db.contact_points={stage.path}\n"
        "scalar.db.unknown_keys=warn\nscalar.db.contact_pionts=x\n"
    )
    one = found(diagnosed(str(file)), "settings", "remark")
    assert one["verdict"] == "warning"
    assert "contact_pionts" in one["text"]


def test_tables_that_lack_something(stage: Stage) -> None:
    with scalar_tx.connect(stage.target) as db:
        db.admin.create_table(
            "shop.plain", columns={"id": "INT"}, partition_key=["id"], transaction=False
        )
        db.admin.create_table(
            "shop.half",
            columns={"id": "INT", "name": "TEXT", "tx_id": "TEXT"},
            partition_key=["id"],
            transaction=False,
        )
    connection = sqlite3.connect(stage.path)
    with connection:
        connection.execute(
            """UPDATE "scalardb$metadata" SET indexed = 0
               WHERE full_table_name = 'bank.account' AND column_name = 'before_owner'"""
        )
    connection.close()
    data = diagnosed(stage.target, code=1)
    assert found(data, "tables", "shop.plain")["verdict"] == "note"
    half = found(data, "tables", "shop.half")
    assert half["verdict"] == "bad"
    assert "tx_state" in half["text"]
    assert "before_name" in half["text"]
    assert "lacks tx_id" not in half["text"]
    account = found(data, "tables", "bank.account")
    assert account["verdict"] == "warning"
    assert "before_owner" in account["text"]
    assert "schema upgrade" in account["advice"]


def test_a_coordinator_table_without_what_the_settings_ask_for(
    tmp_path: Path, stage: Stage
) -> None:
    file = tmp_path / "group.properties"
    file.write_text(
        f"scalar.db.storage=sqlite\nscalar.db.contact_points={stage.path}\n"
        "scalar.db.consensus_commit.coordinator.write_set_logging.enabled=true\n"
    )
    one = found(diagnosed(str(file), code=1), "tables", "coordinator.state")
    assert "lacks tx_write_set" in one["text"]


def test_the_table_of_outcomes(stage: Stage) -> None:
    assert "scalar_tx.outcome" not in {one["subject"] for one in tables_of(stage)}
    with scalar_tx.connect(stage.target) as db:
        db.admin.create_table(
            "scalar_tx.outcome", columns={"scope": "TEXT"}, partition_key=["scope"]
        )
    one = found(diagnosed(stage.target, code=1), "tables", "scalar_tx.outcome")
    assert one["verdict"] == "bad"
    assert "lacks key, arguments_digest, result, completed_at" in one["text"]
    with scalar_tx.connect(stage.target) as db:
        db.admin.drop_table("scalar_tx.outcome")
        db.outcomes.create_table()
    assert "scalar_tx.outcome" not in {one["subject"] for one in tables_of(stage)}
    on_a_server = load({"scalar.db.storage": "cassandra", "scalar.db.contact_points": "host"})
    (note,) = outcomes_findings([], on_a_server)
    assert note.verdict is Verdict.NOTE
    assert "schema apply --outcome" in str(note.advice)


def tables_of(stage: Stage) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = diagnosed(stage.target)["sections"]["tables"]
    return listed


def test_several_storages(tmp_path: Path, stage: Stage) -> None:
    file = tmp_path / "both.properties"
    prefix = "scalar.db.multi_storage"
    file.write_text(
        "scalar.db.storage=multi-storage\n"
        f"{prefix}.storages=near,far\n{prefix}.default_storage=near\n"
        f"{prefix}.storages.near.storage=sqlite\n"
        f"{prefix}.storages.near.contact_points={stage.path}\n"
        f"{prefix}.storages.far.storage=jdbc\n"
        f"{prefix}.storages.far.contact_points=jdbc:sqlite:{tmp_path}/far.db?synchronous=off\n"
        f"{prefix}.namespace_mapping=far_away:far\n"
    )
    data = diagnosed(str(file))
    assert found(data, "storage near", "durability")["verdict"] == "good"
    assert found(data, "storage far", "file")["text"].endswith("made by its first use")
    assert found(data, "settings", "namespace far_away")["text"] == "in far"


@pytest.mark.parametrize(
    "ahead, verdicts",
    [(None, []), (20, ["good"]), (-1500, ["warning"]), (6000, ["bad"]), (-6000, ["bad"])],
)
def test_clocks(ahead: float | None, verdicts: list[str]) -> None:
    assert [one.verdict.value for one in clock_findings(ahead)] == verdicts
