"""Does each property land in its typed setting, and is what is wrong named?"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.retry import RetryPolicy
from scalar_tx.settings import (
    ConnectionPoolSettings,
    ConsensusCommitSettings,
    CrossPartitionScanSettings,
    GroupCommitSettings,
    Isolation,
    SerializableStrategy,
    Settings,
    StorageSettings,
    load,
)
from scalar_tx.settings.keys import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE = Path(__file__).parents[2] / "scalardb.properties"

CASSANDRA = """\
scalar.db.transaction_manager=consensus-commit
scalar.db.storage=cassandra
scalar.db.contact_points=cassandra-0,cassandra-1,cassandra-2
scalar.db.contact_port=9042
scalar.db.username=${SCALARDB_USERNAME}
scalar.db.password=${SCALARDB_PASSWORD}
scalar.db.consensus_commit.isolation_level=SERIALIZABLE
scalar.db.consensus_commit.serializable_strategy=EXTRA_READ
scalar.db.connection_pool.min_idle=5
scalar.db.connection_pool.max_idle=10
scalar.db.connection_pool.max_total=20
scalar.db.retry.max_retries=10
scalar.db.retry.initial_interval_millis=100
scalar.db.retry.max_interval_millis=10000
scalar.db.retry.multiplier=2.0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALARDB_USERNAME", "alice")
    monkeypatch.setenv("SCALARDB_PASSWORD", "hush,${X}\\")


def of_file(folder: Path, text: str, overrides: Mapping[str, object] | None = None) -> Settings:
    file = folder / "a.properties"
    file.write_text(text, encoding="utf-8")
    return load(file, overrides or {})


def of(**overrides: object) -> Settings:
    return load("memory://", overrides)


def refusal(target: object, **overrides: object) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(target, overrides)  # type: ignore[arg-type]  # also what is no target
    return caught.value


def expect_cassandra(settings: Settings) -> None:
    assert settings.storage.kind == "cassandra"
    assert settings.storage.contact_points == ("cassandra-0", "cassandra-1", "cassandra-2")
    assert settings.storage.contact_port == 9042
    assert settings.storage.username == "alice"
    assert settings.storage.password == "hush,${X}\\"
    assert settings.storage.connection_pool == ConnectionPoolSettings(5, 10, 20)
    assert settings.consensus_commit.isolation is Isolation.SERIALIZABLE
    assert settings.consensus_commit.isolation_named
    assert settings.consensus_commit.serializable_strategy is SerializableStrategy.EXTRA_READ
    assert settings.retry == RetryPolicy(
        retries=10, deadline=30.0, first_pause=0.1, longest_pause=10.0, multiplier=2.0
    )


def test_the_cassandra_form_lands_in_typed_settings(
    folder: Path, user: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "scalar_tx"):
        expect_cassandra(of_file(folder, CASSANDRA))
    assert caplog.records == []


@pytest.mark.parametrize("name", ["SCALARDB_USERNAME", "SCALARDB_PASSWORD"])
def test_an_unset_variable_is_named(
    folder: Path, user: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=rf"a\.properties:[56]: .* {name} is not set") as caught:
        of_file(folder, CASSANDRA)
    assert name in caught.value.advice


def test_the_example_runs_on_sqlite_as_it_stands() -> None:
    settings = load(EXAMPLE)
    assert settings.storage.kind == "sqlite"
    assert settings.storage.contact_points == ("scalar_tx.db",)
    assert settings.cross_partition_scan == CrossPartitionScanSettings()
    assert settings.consensus_commit == ConsensusCommitSettings()


def test_every_commented_line_of_the_example_is_a_property(folder: Path, user: None) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    commented = [line[1:] for line in text.splitlines() if line.startswith("#scalar.db.")]
    assert set(CASSANDRA.splitlines()) <= set(commented)
    # Uncommented, the Cassandra form stands last, and the last one counts.
    expect_cassandra(of_file(folder, text + "\n".join(commented)))


def test_defaults() -> None:
    settings = load("memory://")
    assert settings == Settings(
        source="memory://",
        storage=StorageSettings(
            kind="memory",
            contact_points=("memory://",),
            properties={
                "scalar.db.storage": "memory",
                "scalar.db.contact_points": "memory://",
            },
            place="the target memory://",
        ),
    )
    assert settings.consensus_commit.isolation is Isolation.SERIALIZABLE
    assert not settings.consensus_commit.isolation_named


def test_what_has_no_meaning_is_typed_and_logged_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = """\
scalar.db.storage=jdbc
scalar.db.contact_points=jdbc:sqlite:x.db
scalar.db.consensus_commit.coordinator.group_commit.group_size_fix_timeout_millis=50
scalar.db.consensus_commit.coordinator.write_set_logging.enabled=true
scalar.db.consensus_commit.async_commit.enabled=true
scalar.db.consensus_commit.participant_id=p1
scalar.db.jdbc.connection_pool.min_idle=0
scalar.db.jdbc.table_metadata.schema=meta
scalar.db.sql.enabled=${env:SET_ELSEWHERE}
scalar.db.graphql.port=1
scalar.db.cluster.node.port=60053
scalar.db.attribute_propagation.enabled=true
"""
    with caplog.at_level(logging.INFO, "scalar_tx"):
        settings = of_file(folder, text)
    commit = settings.consensus_commit
    assert commit.group_commit == GroupCommitSettings(group_size_fix_timeout_millis=50)
    assert commit.write_set_logging
    assert commit.async_commit
    assert commit.async_rollback
    assert commit.participant_id == "p1"
    assert settings.storage.properties["scalar.db.jdbc.table_metadata.schema"] == "meta"
    [line] = [record.getMessage() for record in caplog.records]
    for name in (
        "group_commit.group_size_fix_timeout_millis",
        "participant_id",
        "jdbc.connection_pool.min_idle",
        "sql.enabled",
        "graphql.port",
        "cluster.node.port",
    ):
        assert f"{name} (" in line or f"{name};" in line
    # The adapter's own, and a value that is the default, are not worth a word.
    assert "table_metadata.schema" not in line
    assert "attribute_propagation" not in line


@pytest.mark.parametrize(
    "name,value",
    [
        ("transaction_manager", "jdbc"),
        ("transaction_manager", "single-crud-operation"),
        ("transaction.enabled", "false"),
    ],
)
def test_what_would_change_meaning_is_refused(name: str, value: str) -> None:
    error = refusal({"scalar.db.storage": "memory", PREFIX + name: value})
    assert error.code == "STX-3025"
    assert PREFIX + name in error.message
    assert "the mapping" in error.message


def test_extra_write_is_accepted_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings = of(consensus_commit_serializable_strategy="EXTRA_WRITE")
    assert settings.consensus_commit.serializable_strategy is SerializableStrategy.EXTRA_READ
    assert "EXTRA_WRITE no longer exists" in caplog.text


def test_the_old_name_of_the_isolation_level(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    base = "scalar.db.storage=memory\nscalar.db.isolation_level=SNAPSHOT\n"
    assert of_file(folder, base).consensus_commit.isolation is Isolation.SNAPSHOT
    assert "old name" in caplog.text
    own = "scalar.db.consensus_commit.isolation_level=READ_COMMITTED\n"
    for both in (base + own, own + base):
        assert of_file(folder, both).consensus_commit.isolation is Isolation.READ_COMMITTED


@pytest.mark.parametrize(
    "name,value",
    [
        ("contact_port", "-1"),
        ("contact_port", "65536"),
        ("contact_port", "9042.0"),
        ("scan_fetch_size", "0"),
        ("scan_fetch_size", "x" * 500),
        ("metadata.cache_expiration_time_secs", "-2"),
        ("consensus_commit.isolation_level", "SERIALISABLE"),
        ("consensus_commit.serializable_strategy", "EXTRA"),
        ("consensus_commit.parallel_commit.enabled", "yes"),
        ("consensus_commit.coordinator.group_commit.slot_capacity", "many"),
        ("retry.multiplier", "0.5"),
        ("retry.multiplier", "nan"),
        ("bigint_range", "32"),
        ("unknown_keys", "ignore"),
        ("jdbc.mysql.variable_key_column_size", "63"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(folder: Path, name: str, value: str) -> None:
    text = f"scalar.db.storage=memory\n\n{PREFIX}{name}={value}\n"
    with pytest.raises(SettingsError, match=rf"a\.properties:3: scalar\.db\.{name} is") as caught:
        of_file(folder, text)
    assert caught.value.advice.startswith("It takes ")
    assert len(caught.value.message) < 250


def test_pools_and_pauses_that_do_not_fit_are_refused() -> None:
    assert (
        "connection_pool"
        in refusal("memory://", connection_pool_min_idle=5, connection_pool_max_total=4).message
    )
    assert (
        "retry"
        in refusal(
            "memory://", retry_initial_interval_millis=20, retry_max_interval_millis=10
        ).message
    )


def test_an_unknown_property_is_refused_with_the_nearest(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "scalar.db.storage=memory\nscalar.db.pasword=hush\n"
    with pytest.raises(SettingsError, match=r"a\.properties:2: .*scalar\.db\.pasword") as caught:
        of_file(folder, text)
    assert "scalar.db.password" in caught.value.advice
    assert "hush" not in str(caught.value)
    of_file(folder, text + "scalar.db.unknown_keys=warn\n")
    assert "scalar.db.pasword" in caplog.text
    assert "hush" not in caplog.text
    # A keyword is nobody else's.
    assert "'contact_points'" in refusal("memory://", contact_point="x", unknown_keys="warn").advice


def test_what_is_not_scalardb_s_is_ignored_and_twice_given_is_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "scalar_tx"):
        settings = of_file(
            folder, "log.level=x\nscalar.db.storage=sqlite\nscalar.db.storage=memory\n"
        )
    assert settings.storage.kind == "memory"
    assert "a.properties:3" in caplog.text
    assert "a.properties:2" in caplog.text
    assert "log.level" in caplog.text


def test_empty_is_unset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALAR_TX_EMPTY", "")
    settings = of_file(
        folder,
        "scalar.db.storage=memory\nscalar.db.username=\nscalar.db.contact_port= \n"
        "scalar.db.scan_fetch_size=${env:SCALAR_TX_EMPTY}\n",
    )
    assert settings.storage.username is None
    assert settings.storage.contact_port == 0
    assert settings.scan_fetch_size is None


def test_scans_of_whole_tables_are_as_java_s_switches_say_in_a_file(folder: Path) -> None:
    base = "scalar.db.storage=memory\n"
    for_file = CrossPartitionScanSettings(enabled=True, filtering=False, ordering=False)
    assert of_file(folder, base).cross_partition_scan == for_file
    for target in ("memory://", {"scalar.db.storage": "memory"}):
        assert load(target).cross_partition_scan == CrossPartitionScanSettings()
    off = CrossPartitionScanSettings(enabled=False, filtering=False, ordering=False)
    assert of(cross_partition_scan_enabled=False).cross_partition_scan == off
    assert (
        "whole-table"
        in refusal(
            "memory://",
            cross_partition_scan_enabled=False,
            cross_partition_scan_ordering_enabled=True,
        ).advice
    )


def test_only_a_file_names_the_isolation_level_so_that_refusals_end(folder: Path) -> None:
    text = "scalar.db.storage=memory\nscalar.db.consensus_commit.isolation_level=SERIALIZABLE\n"
    assert of_file(folder, text).consensus_commit.isolation_named
    overridden = of_file(folder, text, {"consensus_commit_isolation_level": "SERIALIZABLE"})
    assert not overridden.consensus_commit.isolation_named
    assert not of(isolation_level=Isolation.SNAPSHOT).consensus_commit.isolation_named
