"""What may settings come from, and is no secret ever shown?"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import redacted
from scalar_tx.settings import Isolation, load


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(target: object, **overrides: object) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(target, overrides)  # type: ignore[arg-type]  # also what is no target
    return caught.value


def test_without_a_target(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "scalar_tx"):
        settings = load()
        assert settings.storage.kind == "sqlite"
        assert settings.storage.contact_points == ("sqlite:///scalar_tx.db",)
        (folder / "scalardb.properties").write_text("scalar.db.storage=memory\n")
        assert load().storage.kind == "memory"
    first, second = (record.getMessage() for record in caplog.records)
    assert "sqlite:///scalar_tx.db" in first
    assert str(folder / "scalardb.properties") in second
    assert "no target" in second


def test_keywords_alone_may_name_the_storage(folder: Path) -> None:
    settings = load(None, {"storage": "memory"})
    assert (settings.storage.kind, settings.storage.contact_points) == ("memory", ())


@pytest.mark.parametrize(
    "target,kind",
    [
        ("memory://", "memory"),
        ("sqlite:///shop, and ${more}.db?busy_timeout=1", "sqlite"),
        ("sqlite:////tmp/shop.db", "sqlite"),
        ("SQLite:///shop.db", "sqlite"),
        ("jdbc:sqlite:shop.db", "jdbc"),
        ("postgresql://localhost/x", "postgresql"),
    ],
)
def test_a_url_is_handed_to_its_adapter_as_it_is(target: str, kind: str) -> None:
    storage = load(target).storage
    assert (storage.kind, storage.contact_points) == (kind, (target,))


@pytest.mark.parametrize(
    "target,expected",
    [
        ("oracle://x", "no storage goes by oracle://"),
        ("", "empty"),
        (5, "int"),
        (b"x.properties", "bytes"),
        ("no/such.properties", "can't be read"),
        ({}, "no storage"),
        ({"storage": "memory"}, "'storage'"),
        ({"scalar.db.storage": object()}, "of type object"),
        ({5: "x"}, "no property name"),
    ],
)
def test_what_is_no_target_is_refused(folder: Path, target: object, expected: str) -> None:
    error = refusal(target)
    assert expected in error.message
    assert error.advice


def test_a_mapping_takes_python_values() -> None:
    settings = load(
        {
            "scalar.db.storage": "sqlite",
            "scalar.db.contact_points": [Path("a,b.db").name, "c"],
            "scalar.db.contact_port": 7,
            "scalar.db.username": None,
            "scalar.db.consensus_commit.async_commit.enabled": True,
            "scalar.db.retry.multiplier": 3.0,
            "scalar.db.consensus_commit.isolation_level": Isolation.READ_COMMITTED,
        }
    )
    assert settings.storage.contact_points == ("a,b.db", "c")
    assert settings.storage.properties["scalar.db.contact_points"] == "a\\,b.db,c"
    assert settings.storage.contact_port == 7
    assert settings.consensus_commit.async_commit
    text = settings.storage.properties["scalar.db.consensus_commit.async_commit.enabled"]
    assert text == "true"
    assert settings.retry.multiplier == 3.0
    assert settings.consensus_commit.isolation is Isolation.READ_COMMITTED


def test_keywords_override_and_none_unsets(folder: Path) -> None:
    file = folder / "a.properties"
    file.write_text(
        "scalar.db.storage=memory\nscalar.db.scan_fetch_size=5\nscalar.db.username=u\n",
        encoding="utf-8",
    )
    settings = load(
        file,
        {"scan_fetch_size": 6, "username": None, "scalar.db.default_namespace_name": "n"},
    )
    assert settings.scan_fetch_size == 6
    assert settings.storage.username is None
    assert settings.default_namespace == "n"
    assert "the setting 'scan_fetch_size'" in refusal("memory://", scan_fetch_size=0).message


@pytest.mark.parametrize("secret", ["hush-4711", "p@ss/w:rd"])
def test_no_secret_is_ever_shown(
    folder: Path, caplog: pytest.LogCaptureFixture, secret: str
) -> None:
    url = f"jdbc:mysql://me:{secret}@host/db?user=me&password={secret}&ssl=true"
    with caplog.at_level(logging.DEBUG, "scalar_tx"):
        file = folder / "a.properties"
        file.write_text(
            f"scalar.db.storage=jdbc\nscalar.db.contact_points={url}\n"
            f"scalar.db.password={secret}\nscalar.db.consensus_commit.async_commit.enabled=true\n",
            encoding="utf-8",
        )
        settings = load(file)
        of_url = load(f"mysql://me:{secret}@host/db")
    assert settings.storage.password == secret
    assert settings.storage.contact_points == (url,)
    for text in (repr(settings), str(settings), repr(of_url), caplog.text):
        assert secret not in text
        assert secret[-4:] not in text
    assert secret not in str(refusal(f"oracle://me:{secret}@host/db"))
    assert "ssl=true" in redacted(url)
    assert redacted("sqlite:////home@x/a@b.db") == "sqlite:////home@x/a@b.db"
    assert redacted(f"jdbc:oracle:thin:me/{secret}@//host") == "jdbc:oracle:thin:***@//host"
    several = load(
        {
            "scalar.db.storage": "multi-storage",
            "scalar.db.multi_storage.storages": "a",
            "scalar.db.multi_storage.default_storage": "a",
            "scalar.db.multi_storage.storages.a.storage": "memory",
            "scalar.db.multi_storage.storages.a.password": secret,
        }
    )
    assert several.storage.multi is not None
    assert several.storage.multi.storages["a"].password == secret
    assert secret not in repr(several)
