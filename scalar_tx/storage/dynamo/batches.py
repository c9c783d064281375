"""How are several records read in one request? By BatchGetItem, which may leave some of them out.

What it leaves out (the answer would be too long, or a table is throttled) is asked for again after
a pause. Each record is read by itself: the answer is of no one moment.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.errors import (
    InvalidOperationError,
    ScalarTxError,
    SchemaError,
    StorageBusyError,
    StorageError,
    StorageUnavailableError,
)
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scalar_tx.model.types import Value
    from scalar_tx.storage.dynamo.client import Client
    from scalar_tx.storage.dynamo.codec import Item
    from scalar_tx.storage.dynamo.statements import TableStatements
    from scalar_tx.storage.interface import Answer

MOST_ITEMS: Final = 100  # of one BatchGetItem
_FIRST_PAUSE: Final = 0.05  # seconds; the range of the first pause
_LONGEST_PAUSE: Final = 1.0

# Where an item lies: its physical table and its key bytes.
Place: TypeAlias = "tuple[str, bytes, bytes | None]"


class BatchRead:
    """Some records that are read together."""

    def __init__(self, client: Client, pause: Callable[[float], object] = time.sleep) -> None:
        self._client = client
        self._pause = pause
        self._keys: dict[Place, Item] = {}
        self._items: dict[Place, Item] = {}
        self._errors: dict[Place, Exception] = {}

    def run(self, wanted: Sequence[tuple[TableStatements, tuple[Value, ...]]]) -> list[Answer]:
        """One answer for each record, in the same order."""
        places = [self._place(statements, key) for statements, key in wanted]
        distinct = list(self._keys)
        for start in range(0, len(distinct), MOST_ITEMS):
            self._try(distinct[start : start + MOST_ITEMS])
        return [
            place if isinstance(place, Exception) else self._answer(statements, place)
            for (statements, _), place in zip(wanted, places, strict=True)
        ]

    def _try(self, places: Sequence[Place]) -> None:
        try:
            self._read(places)
        except (StorageError, ScalarTxError) as error:
            left = [place for place in places if place not in self._items]
            of_table: dict[str, list[Place]] = {}
            for place in left:
                of_table.setdefault(place[0], []).append(place)
            passes = isinstance(error, (StorageBusyError, StorageUnavailableError))
            if passes or len(of_table) == 1:
                self._errors.update(dict.fromkeys(left, error))
                return
            # What is wrong with one table is nothing to the records of the others.
            for several in of_table.values():
                self._try(several)

    def _place(
        self, statements: TableStatements, key: tuple[Value, ...]
    ) -> Place | InvalidOperationError:
        try:
            item_key = statements.keys.item_key(key)
        except InvalidOperationError as error:  # the key is too long
            return error
        place = _place_of(statements.physical, item_key)
        self._keys[place] = item_key
        return place

    def _answer(self, statements: TableStatements, place: Place) -> Answer:
        if place in self._errors:
            return self._errors[place]
        item = self._items.get(place)
        try:
            return None if item is None else statements.decode(item)
        except SchemaError as error:
            return error

    def _read(self, places: Sequence[Place]) -> None:
        """Read up to ``MOST_ITEMS`` items, however often it takes."""
        left: Sequence[Place] = places
        patience, pause = self._client.settings.patience, _FIRST_PAUSE
        while True:
            answer = self._client.read("batch_get_item", self._request(left))
            responses = answer.get("Responses")
            if responses is None:
                # Whatever this is, it does not say that there are no such records.
                raise StorageUnavailableError("DynamoDB: the answer to a batch of reads has none")
            self._items.update(_by_place(responses))
            before, left = left, [place for place, _ in _unprocessed(answer)]
            if not left:
                return
            if len(left) < len(before):
                pause = _FIRST_PAUSE
            elif patience <= 0:
                raise StorageBusyError(f"DynamoDB: {len(left)} of a batch of reads were throttled")
            else:
                patience -= pause
                pause = min(2 * pause, _LONGEST_PAUSE)
            self._pause(random.random() * pause)  # noqa: S311  # keeps no secret

    def _request(self, places: Sequence[Place]) -> dict[str, Any]:
        tables: dict[str, Any] = {}
        for place in places:
            keys = tables.setdefault(place[0], {"ConsistentRead": True, "Keys": []})
            keys["Keys"].append(self._keys[place])
        return {"RequestItems": tables}


def _place_of(physical: str, item: Item) -> Place:
    clustering = item.get(CLUSTERING_KEY)
    return physical, item[PARTITION_KEY]["B"], None if clustering is None else clustering["B"]


def _by_place(responses: Mapping[str, Sequence[Item]]) -> Iterator[tuple[Place, Item]]:
    return ((_place_of(name, item), item) for name, items in responses.items() for item in items)


def _unprocessed(answer: Mapping[str, Any]) -> Iterator[tuple[Place, Item]]:
    left = answer.get("UnprocessedKeys") or {}
    return _by_place({name: one["Keys"] for name, one in left.items()})
