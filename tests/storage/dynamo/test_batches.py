"""What becomes of a batch of reads that DynamoDB answers in part, or not at all?"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import InvalidOperationError, StorageBusyError, StorageUnavailableError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.dynamo.batches import MOST_ITEMS
from scalar_tx.storage.dynamo.settings import DynamoSettings
from scalar_tx.storage.dynamo.storage import DynamoStorage
from tests.storage.dynamo.service import Reply, Service, refusal, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import Answer

TABLE = Table("a.t", TableSchema({"k": "INT", "n": "INT"}, ["k"]))
TEXTS = Table("a.x", TableSchema({"k": "TEXT", "n": "INT"}, ["k"]))
PHYSICAL = "a.t"


class Store(Service):
    """Holds the records 0, 2, 4 and so on; answers ``most`` of a request, the last asked first."""

    def __init__(self) -> None:
        super().__init__()
        self.most = MOST_ITEMS
        self.refusals: list[Reply] = []  # in turn, before anything is answered
        self.broken: set[int] = set()

    def reply_to(self, operation: str, body: dict[str, Any]) -> Reply:
        with self.lock:
            self.sent.append((operation, body))
            if self.refusals:
                return self.refusals.pop(0)
        asked = body["RequestItems"][PHYSICAL]
        assert asked["ConsistentRead"] is True
        assert 0 < len(asked["Keys"]) <= MOST_ITEMS
        assert len({json.dumps(key) for key in asked["Keys"]}) == len(asked["Keys"])
        answered, left = asked["Keys"][: self.most], asked["Keys"][self.most :]
        items = [self._item(key) for key in reversed(answered)]
        unprocessed = {PHYSICAL: {"Keys": left, "ConsistentRead": True}} if left else {}
        found = [item for item in items if item is not None]
        return Reply(200, {"Responses": {PHYSICAL: found}, "UnprocessedKeys": unprocessed})

    def _item(self, key: dict[str, Any]) -> dict[str, Any] | None:
        number = int.from_bytes(b64decode(key["concatenatedPartitionKey"]["B"]), "big") - 2**31
        if number % 2:
            return None
        n = {"S": "no number"} if number in self.broken else {"N": str(10 * number)}
        return {**key, "k": {"N": str(number)}, "n": n}


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    with serving(store):
        yield store


@pytest.fixture
def storage(store: Store) -> Iterator[DynamoStorage]:
    settings = DynamoSettings(
        "us-west-2", store.endpoint, access_key="k", secret_key="s", patience=0.3
    )
    opened = DynamoStorage(settings)
    yield opened
    run_blocking(opened.close())


def read(storage: DynamoStorage, *numbers: int) -> list[Answer]:
    return run_blocking(storage.get_many([(TABLE, (number,)) for number in numbers]))


def rows(*numbers: int) -> list[dict[str, Value] | None]:
    return [None if number % 2 else {"k": number, "n": 10 * number} for number in numbers]


def test_one_request_reads_all(storage: DynamoStorage, store: Store) -> None:
    assert read(storage, 4, 1, 0) == rows(4, 1, 0)
    assert store.operations == ["BatchGetItem"]


def test_what_was_left_out_is_asked_for_again(storage: DynamoStorage, store: Store) -> None:
    store.most = 3
    assert read(storage, *range(10)) == rows(*range(10))
    asked = [len(body["RequestItems"][PHYSICAL]["Keys"]) for _, body in store.sent]
    assert asked == [10, 7, 4, 1]


def test_more_than_a_request_holds_are_several(storage: DynamoStorage, store: Store) -> None:
    numbers = range(2 * MOST_ITEMS + 5)
    assert read(storage, *numbers) == rows(*numbers)
    assert store.operations == ["BatchGetItem"] * 3


def test_what_stays_throttled_is_busy_and_the_others_are_answered(
    storage: DynamoStorage, store: Store
) -> None:
    store.most = 2
    answers: list[Answer] = []
    right = Store.reply_to

    def starving(operation: str, body: dict[str, Any]) -> Reply:
        reply = right(store, operation, body)
        store.most = 0
        return reply

    store.reply_to = starving  # type: ignore[method-assign]
    answers = read(storage, 0, 2, 4, 6)
    assert answers[:2] == rows(0, 2)
    assert all(isinstance(answer, StorageBusyError) for answer in answers[2:])
    assert len(store.sent) > 2


def test_a_throttled_request_is_sent_again(storage: DynamoStorage, store: Store) -> None:
    store.refusals = [refusal("ProvisionedThroughputExceededException")]
    assert read(storage, 0, 1) == rows(0, 1)
    assert store.operations == ["BatchGetItem"] * 2


def test_an_answer_without_any_is_not_taken_for_absence(
    storage: DynamoStorage, store: Store
) -> None:
    store.refusals = [Reply(200, {})] * 50
    for answer in read(storage, 1, 3):
        assert isinstance(answer, StorageUnavailableError)


def test_a_member_that_can_t_be_read_leaves_the_others(
    storage: DynamoStorage, store: Store
) -> None:
    store.broken = {2}
    first, broken, last = read(storage, 0, 2, 4)
    assert [first, last] == rows(0, 4)
    assert "a.t.n" in str(broken)
    long = "x" * 3000
    answers = run_blocking(storage.get_many([(TABLE, (0,)), (TEXTS, (long,)), (TABLE, (2,))]))
    assert answers[0] == rows(0)[0]
    assert isinstance(answers[1], InvalidOperationError)
    assert len(store.sent) == 2
