"""Tables that are made, changed and emptied in steps, by several at once, or by halves."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from scalar_tx.admin import named
from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.storage.dynamo import admin as admin_module
from scalar_tx.storage.dynamo.admin import DynamoAdmin
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.keys import PARTITION_KEY
from scalar_tx.storage.dynamo.metadata import metadata_item
from scalar_tx.storage.dynamo.names import Names
from scalar_tx.storage.dynamo.settings import DynamoSettings
from tests.storage.dynamo.on_local import opened, own_properties
from tests.storage.dynamo.service import Reply, Service, refusal, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Cluster

TABLE: Final = Table("ns.t", TableSchema({"p": "INT", "n": "INT"}, ["p"]))
INDEXED: Final = Table("ns.t", TableSchema({"p": "INT", "n": "INT"}, ["p"], (), ["n"]))
NAMES: Final = Names("", "scalardb")
NOWHERE: Final = refusal("ResourceNotFoundException", "no such table")
BUSY: Final = refusal("ProvisionedThroughputExceededException", "too fast")
IN_USE: Final = refusal("ResourceInUseException", "being created")
DONE: Final = Reply()


def described(table: Table) -> Reply:
    return Reply(200, {"Item": metadata_item(table, NAMES)})


def there(*index_states: str) -> Reply:
    name = NAMES.index(TABLE.name, "n")
    indexes = [{"IndexName": name, "IndexStatus": state} for state in index_states]
    return Reply(200, {"Table": {"TableStatus": "ACTIVE", "GlobalSecondaryIndexes": indexes}})


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


@pytest.fixture
def admin(service: Service) -> Iterator[DynamoAdmin]:
    settings = DynamoSettings(
        "us-west-2", service.endpoint, access_key="k", secret_key="s", patience=0.0
    )
    client = Client(settings)
    yield DynamoAdmin(client, NAMES)
    client.close()


def test_one_who_comes_second_waits_for_the_first(service: Service, admin: DynamoAdmin) -> None:
    service.replies = [
        *(NOWHERE, NOWHERE, IN_USE, there(), there()),
        *(NOWHERE, Reply(), described(TABLE)),
    ]
    run(admin.create_table(TABLE, if_not_exists=True))
    assert service.operations.count("CreateTable") == 1
    assert service.operations[-3:] == ["GetItem"] * 3


def test_one_who_comes_second_is_told_where_it_matters(
    service: Service, admin: DynamoAdmin
) -> None:
    service.replies = [NOWHERE, NOWHERE, IN_USE]
    with pytest.raises(StorageBusyError):
        run(admin.create_table(TABLE))
    service.replies = [NOWHERE, there()]
    with pytest.raises(InvalidOperationError, match="without metadata"):
        run(admin.create_table(TABLE))


def test_a_table_that_another_is_making(
    dynamodb_server: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    properties = own_properties(dynamodb_server)
    with opened(properties) as first, opened(properties) as second:
        first.admin._make(TABLE, 10, {})
        monkeypatch.setattr(admin_module, "_DESCRIPTION_SECONDS", 0.5)
        with pytest.raises(InvalidOperationError, match="without metadata") as caught:
            run(second.admin.create_table(TABLE, if_not_exists=True))
        assert "Repair" in caught.value.advice
        monkeypatch.undo()
        later = threading.Timer(0.5, lambda: first.admin._describe(TABLE, {}))
        later.start()
        begun = time.monotonic()
        run(second.admin.create_table(TABLE, if_not_exists=True))
        assert time.monotonic() - begun >= 0.4
        later.join()
        assert run(second.admin.table(TABLE.name)) == TABLE
        run(second.admin.drop_table(TABLE.name))


def rows(count: int) -> Reply:
    return Reply(200, {"Items": [{PARTITION_KEY: {"S": str(n)}} for n in range(count)]})


# The first step that changes something succeeds; the one behind it finds the service busy.
PARTLY: Final[dict[str, tuple[list[Reply], Any]]] = {
    "truncate: the second batch": (
        [described(TABLE), rows(26), DONE, BUSY],
        lambda admin: admin.truncate_table(TABLE.name),
    ),
    "truncate: what was left of the first": (
        [
            described(TABLE),
            rows(1),
            Reply(200, {"UnprocessedItems": {"ns.t": [{"DeleteRequest": {}}]}}),
            BUSY,
        ],
        lambda admin: admin.truncate_table(TABLE.name),
    ),
    "create: wait": (
        [NOWHERE, NOWHERE, DONE, BUSY],
        lambda admin: admin.create_table(TABLE),
    ),
    "create: describe": (
        [NOWHERE, NOWHERE, DONE, there(), there(), there(), BUSY],
        lambda admin: admin.create_table(TABLE),
    ),
    "index: describe": (
        [described(TABLE), there(), there(), DONE, there("ACTIVE"), there(), there(), BUSY],
        lambda admin: admin.create_index(TABLE, "n"),
    ),
    "drop: describe no more": (
        [described(TABLE), there(), DONE, NOWHERE, BUSY],
        lambda admin: admin.drop_table(TABLE.name),
    ),
    "drop an index": (
        [described(INDEXED), there(), there(), DONE, there("ACTIVE"), there("ACTIVE"), BUSY],
        lambda admin: admin.drop_index(INDEXED, "n"),
    ),
}


@pytest.mark.parametrize("case", PARTLY)
def test_what_is_done_in_part_is_not_told_as_nothing(
    service: Service, admin: DynamoAdmin, case: str
) -> None:
    service.replies, call = list(PARTLY[case][0]), PARTLY[case][1]
    with pytest.raises(ReplyLostError, match="not finished"):
        run(call(admin))
    assert service.replies == [BUSY]


@pytest.mark.parametrize(
    "replies, call",
    [
        ([described(TABLE), rows(26), BUSY], lambda admin: admin.truncate_table(TABLE.name)),
        ([NOWHERE, NOWHERE, BUSY], lambda admin: admin.create_table(TABLE)),
        (
            [described(TABLE), there(), there(), BUSY],
            lambda admin: admin.create_index(TABLE, "n"),
        ),
    ],
)
def test_before_the_first_step_nothing_is_done(
    service: Service, admin: DynamoAdmin, replies: list[Reply], call: Any
) -> None:
    service.replies = list(replies)
    with pytest.raises(StorageBusyError):
        run(call(admin))


def test_a_busy_service_does_not_prove_that_nothing_was_done(
    service: Service, admin: DynamoAdmin
) -> None:
    """A call of a manager may be several of the storage's."""
    service.replies = [NOWHERE, NOWHERE, BUSY]
    with pytest.raises(StorageUnavailableError) as caught:
        run(named(admin.create_table(TABLE)))
    assert "nothing" not in caught.value.message
    assert "if_not_exists" in caught.value.advice


def test_an_index_that_is_being_removed_is_made_anew(service: Service, admin: DynamoAdmin) -> None:
    going = there("DELETING")
    service.replies = [
        *(described(TABLE), going, going, going, there(), DONE, there("ACTIVE")),
        *(there(), there(), DONE),
    ]
    run(admin.create_index(TABLE, "n"))
    assert "UpdateTable" in service.operations
    assert "PutItem" in service.operations


def test_an_index_that_is_being_removed_is_not_removed_again(
    service: Service, admin: DynamoAdmin
) -> None:
    going = there("DELETING")
    service.replies = [described(INDEXED), there(), there(), DONE, going, going, there()]
    run(admin.drop_index(INDEXED, "n"))
    assert "UpdateTable" not in service.operations
