"""Which records stand at key bytes that are not theirs, and how are they put right?

Java releases 3.19.0 and 3.19.1 encode every clustering key of a batch by the orders of its first
table (Storage specification 4.5). A record of another table is then found by scans but by no get,
and what reads it by its key before it writes meets nothing.
"""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError, SchemaError, StorageBusyError
from scalar_tx.model.misplaced import LookedAt, MisplacedRecord
from scalar_tx.storage.dynamo.errors import GroupRefusedError
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY
from scalar_tx.storage.dynamo.scans import misplaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Value
    from scalar_tx.storage.dynamo.codec import Item
    from scalar_tx.storage.dynamo.storage import DynamoStorage

_TRIES: Final = 5  # to move a record that others write meanwhile
_PAUSE: Final = 0.2  # seconds at most, between two of them
# An expression holds 4 KB and 300 operators.
_MOST_COMPARED: Final = 100


def look_at_keys(
    storage: DynamoStorage, table: Table, versioned_by: Sequence[str] = ()
) -> Iterator[LookedAt]:
    """Look at every record of a table.

    ``versioned_by``: columns of which one changes with every change of a record, where the table
    has such; without them a record is moved only if all its columns are as they were seen.
    """
    statements = storage.statements(table)
    request: dict[str, Any] = {"TableName": statements.physical, "ConsistentRead": True}
    while True:
        answer = storage.client.read("scan", request)
        found, unreadable = [], []
        for item in answer["Items"]:
            try:
                key = misplaced(statements, item, statements.decode(item))
            except SchemaError as error:
                unreadable.append(f"{_place(item)}: {error.message}")
                continue
            if key is not None and None in key:
                unreadable.append(f"{_place(item)}: the item lacks columns of its key")
            elif key is not None:
                found.append(_Misplaced(storage, table, key, versioned_by).seen(item))
        yield LookedAt(len(answer["Items"]), tuple(found), tuple(unreadable))
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


class _Misplaced:
    """A record by its key, and what moves it."""

    def __init__(
        self,
        storage: DynamoStorage,
        table: Table,
        key: tuple[Value, ...],
        versioned_by: Sequence[str],
    ) -> None:
        self._client = storage.client
        self._table = table
        self._statements = storage.statements(table)
        self._key = key
        self._versioned_by = versioned_by

    def seen(self, item: Item) -> MisplacedRecord:
        """What is told of the record, which stands where an item was found."""
        there = self._client.read("get_item", self._statements.get(self._key))
        return MisplacedRecord(
            dict(zip(self._table.schema.primary_key, self._key, strict=True)),
            _place(item),
            _place(self._statements.keys.item_key(self._key)),
            "Item" in there,
            partial(self._put_right, item),
        )

    def _put_right(self, item: Item) -> bool:
        place = _key_of(item)
        for _ in range(_TRIES):
            try:
                self._client.transact(self._move(place, item))
            except GroupRefusedError as error:
                if 0 in error.positions:
                    raise self._taken() from error
            except StorageBusyError:
                time.sleep(random.random() * _PAUSE)  # noqa: S311  # keeps no secret
            else:
                return True
            request = {**self._statements.get(self._key), "Key": place}
            now = self._client.read("get_item", request).get("Item")
            if now is None:
                return False
            item = now
        raise StorageBusyError(f"{self._named()} changes faster than it can be moved")

    def _move(self, place: Item, item: Item) -> list[dict[str, Any]]:
        physical = self._statements.physical
        return [
            {
                "Put": {
                    "TableName": physical,
                    "Item": {**item, **self._statements.keys.item_key(self._key)},
                    "ConditionExpression": f"attribute_not_exists({PARTITION_KEY})",
                }
            },
            {"Delete": {"TableName": physical, "Key": place, **self._unchanged(item)}},
        ]

    def _unchanged(self, item: Item) -> dict[str, Any]:
        """The condition that the item is what it was."""
        names = [
            name for name in {**dict.fromkeys(self._table.columns), **item} if name not in _KEY
        ]
        if len(names) > _MOST_COMPARED:
            names = list(self._versioned_by)
        if not names:
            raise InvalidOperationError(
                f"{self._named()} has too many columns to be compared in one condition",
                advice="Stop all programs that write the table, and move the item by hand",
                code="STX-3614",
            )
        terms, aliases, values = [], {}, {}
        for number, name in enumerate(names):
            aliases[f"#c{number}"] = name
            if name in item:
                values[f":c{number}"] = item[name]
                terms.append(f"#c{number} = :c{number}")
            else:
                terms.append(f"attribute_not_exists(#c{number})")
        condition: dict[str, Any] = {
            "ConditionExpression": " AND ".join(terms),
            "ExpressionAttributeNames": aliases,
        }
        return {**condition, "ExpressionAttributeValues": values} if values else condition

    def _taken(self) -> InvalidOperationError:
        # Which of the two counts is for people to say.
        return InvalidOperationError(
            f"{self._named()}: another item stands where this one belongs",
            advice="Compare the two, and delete the one that does not count",
            code="STX-3612",
        )

    def _named(self) -> str:
        return f"{self._table.name} {self._key!r}"


_KEY: Final = (PARTITION_KEY, CLUSTERING_KEY)


def _key_of(item: Item) -> Item:
    return {name: item[name] for name in _KEY if name in item}


def _place(item: Item) -> str:
    return " ".join(attribute["B"].hex() for attribute in _key_of(item).values())
