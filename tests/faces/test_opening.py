"""What is opened by ``connect``, ``connect_async`` and ``open_storage``?"""

# ruff: noqa: ASYNC240  # nobody else waits for this loop
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import AsyncTransactionManager, Isolation, SettingsError, TransactionManager
from tests.faces.either import Face, entered, now
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


async def works(face: Face, *target: Any, **settings: Any) -> None:
    async with entered(face.open(*target, **settings)) as db:
        kind = TransactionManager if face.is_blocking else AsyncTransactionManager
        assert isinstance(db, kind)
        await make_accounts(db)
        assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 100


async def test_nothing_named(face: Face, tmp_path: Path) -> None:
    await works(face)
    assert (tmp_path / "scalar_tx.db").is_file()


async def test_the_file_of_the_directory(
    face: Face, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "scalardb.properties").write_text(
        "scalar.db.storage=sqlite\nscalar.db.contact_points=sqlite:///named.db\n"
        "scalar.db.consensus_commit.isolation_level=SNAPSHOT\n"
    )
    with caplog.at_level(logging.INFO, "scalar_tx"):
        async with entered(face.open()) as db:
            assert db.begin().isolation is Isolation.SNAPSHOT
            assert db.begin(isolation="SERIALIZABLE").isolation is Isolation.SERIALIZABLE
    told = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    assert len([line for line in told if "scalardb.properties" in line]) == 1
    await works(face)
    assert (tmp_path / "named.db").is_file()
    assert not (tmp_path / "scalar_tx.db").exists()


async def test_urls(face: Face, tmp_path: Path) -> None:
    await works(face, "memory://")
    await works(face, "sqlite:///relative.db")
    await works(face, f"sqlite:///{tmp_path}/absolute.db")
    assert {"relative.db", "absolute.db"} <= {path.name for path in tmp_path.iterdir()}


async def test_a_file_and_a_mapping(face: Face, tmp_path: Path) -> None:
    properties = tmp_path / "my.properties"
    properties.write_text(
        f"scalar.db.storage=jdbc\nscalar.db.contact_points=jdbc:sqlite:{tmp_path}/java.db\n"
    )
    await works(face, properties)
    async with entered(face.open(str(properties))) as db:
        assert (await now(db.get(ACCOUNT, {"id": 2})))["balance"] == 100
    await works(
        face,
        {"scalar.db.storage": "sqlite", "scalar.db.contact_points": "sqlite:///mapped.db"},
    )
    await works(face, {"scalar.db.storage": "memory"})
    assert {"java.db", "mapped.db"} <= {path.name for path in tmp_path.iterdir()}


async def test_settings_as_keywords(face: Face) -> None:
    async with entered(
        face.open("memory://", consensus_commit_isolation_level="READ_COMMITTED")
    ) as db:
        assert db.begin().isolation is Isolation.READ_COMMITTED
    with pytest.raises(SettingsError) as caught:
        face.open("memory://", consensus_commit_isolation_levle="SNAPSHOT")
    assert "consensus_commit_isolation_level" in caught.value.advice


async def test_serializable_is_the_default(face: Face) -> None:
    async with entered(face.open("memory://")) as db:
        assert db.begin().isolation is Isolation.SERIALIZABLE


async def test_a_default_namespace(face: Face) -> None:
    async with entered(face.open("memory://", default_namespace_name="bank")) as db:
        await make_accounts(db)
        assert (await now(db.get("account", {"id": 1})))["balance"] == 100


async def test_opening_asks_nothing_of_the_database(face: Face, tmp_path: Path) -> None:
    db = face.open(f"sqlite:///{tmp_path}/not/there/yet.db")
    db.begin()
    await now(db.close())
    assert not (tmp_path / "not").exists()


async def test_the_same_file_from_both_faces(tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/both.db"
    with scalar_tx.connect(target) as db:
        await make_accounts(db)
        async with scalar_tx.connect_async(target) as other:
            await other.update(ACCOUNT, {"id": 1}, {"balance": 1})
        assert db.get(ACCOUNT, {"id": 1})["balance"] == 1  # type: ignore[index]


async def test_a_storage_alone(tmp_path: Path) -> None:
    for target in ("memory://", f"sqlite:///{tmp_path}/alone.db"):
        storage = scalar_tx.open_storage(target)
        assert await storage.admin.namespaces() is not None
        await storage.close()


async def test_a_manager_says_what_it_is_connected_to(face: Face, tmp_path: Path) -> None:
    async with entered(face.open("memory://")) as db:
        assert "memory" in repr(db)
        assert db.settings.consensus_commit.isolation is Isolation.SERIALIZABLE
