"""Which storage, or which several, do the settings describe?"""

from __future__ import annotations

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.settings import ConnectionPoolSettings, StorageSettings, load

SEVERAL: dict[str, object] = {
    "scalar.db.storage": "multi-storage",
    "scalar.db.username": "everybody",
    "scalar.db.connection_pool.max_total": 9,
    "scalar.db.multi_storage.storages": "main, archive.old",
    "scalar.db.multi_storage.storages.main.storage": "sqlite",
    "scalar.db.multi_storage.storages.main.contact_points": "main.db",
    "scalar.db.multi_storage.storages.main.username": "somebody",
    "scalar.db.multi_storage.storages.archive.old.storage": "dynamo",
    "scalar.db.multi_storage.storages.archive.old.contact_points": "eu-west-1",
    "scalar.db.multi_storage.storages.archive.old.dynamo.endpoint-override": "http://x",
    "scalar.db.multi_storage.storages.archive.old.connection_pool.max_total": 4,
    "scalar.db.multi_storage.default_storage": "main",
    "scalar.db.multi_storage.namespace_mapping": "audit:archive.old, bank : main",
    "scalar.db.multi_storage.table_mapping": "bank.history:archive.old",
}


def changed(**changes: object) -> dict[str, object]:
    return SEVERAL | {
        f"scalar.db.multi_storage.{key.replace('__', '.')}": value for key, value in changes.items()
    }


def refusal(target: dict[str, object]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(target)
    return caught.value


def test_several_storages() -> None:
    storage = load(SEVERAL).storage
    assert (storage.kind, storage.username, storage.contact_points) == ("multi-storage", None, ())
    multi = storage.multi
    assert multi is not None
    assert list(multi.storages) == ["main", "archive.old"]
    assert multi.default == "main"
    assert multi.namespaces == {"audit": "archive.old", "bank": "main"}
    assert multi.tables == {"bank.history": "archive.old"}
    main, archive = multi.storages.values()
    assert (main.kind, main.contact_points, main.username) == ("sqlite", ("main.db",), "somebody")
    assert main.connection_pool == ConnectionPoolSettings(max_total=9)
    assert (archive.kind, archive.username) == ("dynamo", "everybody")
    assert archive.connection_pool == ConnectionPoolSettings(max_total=4)
    # An adapter finds its own under the names of a single storage, the old spelling included.
    assert archive.properties["scalar.db.dynamo.endpoint_override"] == "http://x"
    assert not any("multi_storage" in name for name in archive.properties)


def test_the_library_s_own_tables_lie_beside_the_decisions() -> None:
    def mapped(**changes: object) -> dict[str, str]:
        multi = load(changed(table_mapping="", **changes)).storage.multi
        assert multi is not None
        return {name: multi.holder(f"{name}.outcome") for name in ("scalar_tx", "coordinator")}

    archive = {"scalar_tx": "archive.old", "coordinator": "archive.old"}
    main = {"scalar_tx": "main", "coordinator": "main"}
    assert mapped() == main
    assert mapped(namespace_mapping="coordinator:archive.old") == archive
    assert mapped(namespace_mapping="scalar_tx:archive.old") == main | {"scalar_tx": "archive.old"}
    both = "coordinator:archive.old,scalar_tx:main"
    assert mapped(namespace_mapping=both) == archive | {"scalar_tx": "main"}
    by_table = load(changed(table_mapping="coordinator.state:archive.old")).storage.multi
    assert by_table is not None
    assert by_table.namespaces["scalar_tx"] == "archive.old"
    other = {"scalar.db.consensus_commit.coordinator.namespace": "audit"}
    named = load(SEVERAL | other).storage.multi
    assert named is not None
    assert named.namespaces["scalar_tx"] == "archive.old"


def test_the_old_table_mapping_is_told(caplog: pytest.LogCaptureFixture) -> None:
    load(SEVERAL)
    assert "table_mapping is deprecated" in caplog.text


def test_a_storage_that_is_not_listed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    storage = load(changed(storages__mian__contact_points="x")).storage
    assert storage.multi is not None
    assert list(storage.multi.storages) == ["main", "archive.old"]
    assert "storages.mian.contact_points" in caplog.text


@pytest.mark.parametrize(
    "changes,named",
    [
        ({"storages": None}, "names none"),
        ({"default_storage": None}, "default_storage is not set"),
        ({"default_storage": "other"}, "'other'"),
        ({"namespace_mapping": "audit:other"}, "'other'"),
        ({"namespace_mapping": "audit"}, "'audit'"),
        ({"namespace_mapping": "audit.log:main"}, "'audit.log'"),
        ({"namespace_mapping": ":main"}, "':main'"),
        ({"namespace_mapping": "audit:main,audit:archive.old"}, "twice"),
        ({"table_mapping": "history:main"}, "'history'"),
        # What all inherit is multi-storage; so is what one says of itself.
        ({"storages__main__storage": None}, "names no storage of its own"),
        ({"storages__main__storage": "multi-storage"}, "is multi-storage itself"),
        (
            {"storages__main__connection_pool__min_idle": 99},
            "scalar.db.multi_storage.storages.main.connection_pool.* asks for [99, 9]",
        ),
        ({"storages__main__contact_port": "x"}, "storages.main.contact_port"),
        ({"storages__main__contact_pots": "x"}, "storages.main.contact_pots"),
    ],
)
def test_what_can_t_be_right_is_named(changes: dict[str, object], named: str) -> None:
    error = refusal(changed(**changes))
    assert named in error.message
    assert error.advice


def test_the_nearest_property_of_one_of_several() -> None:
    assert (
        "scalar.db.multi_storage.storages.main.contact_points"
        in refusal(changed(storages__main__contact_pots="x")).advice
    )


def test_keywords_for_one_of_several() -> None:
    overrides = {"multi_storage_storages_main_contact_points": "other.db"}
    multi = load(SEVERAL, overrides).storage.multi
    assert multi is not None
    assert multi.storages["main"].contact_points == ("other.db",)
    # A storage named "main_jdbc" may have a connection_pool.min_idle, too.
    ambiguous = {"multi_storage_storages_main_jdbc_connection_pool_min_idle": 1}
    with pytest.raises(SettingsError, match="could mean") as caught:
        load(SEVERAL, ambiguous)
    assert "storages.main.jdbc.connection_pool.min_idle" in caught.value.message
    assert "storages.main_jdbc.connection_pool.min_idle" in caught.value.message


def test_a_file_that_names_no_storage_means_cassandra() -> None:
    storage = load({"scalar.db.contact_points": "host"}).storage
    assert (storage.kind, storage.contact_points) == ("cassandra", ("host",))


def test_a_storage_s_settings_stay_as_they_are() -> None:
    given = {"a": "1"}
    storage = StorageSettings("memory", properties=given)
    given["a"] = "2"
    assert storage.properties["a"] == "1"
    with pytest.raises(TypeError):
        storage.properties["a"] = "3"  # type: ignore[index]  # that it can't be done is the point
