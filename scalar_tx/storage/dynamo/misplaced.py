"""Which records stand at key bytes that are not theirs, and how are they put right?

Java releases 3.19.0 and 3.19.1 encode every clustering key of a batch by the orders of its first
table (Storage specification 4.5). A record of another table is then found by scans but by no get,
and every write to it fails as a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY
from scalar_tx.storage.dynamo.scans import misplaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Value
    from scalar_tx.storage.dynamo.codec import Item
    from scalar_tx.storage.dynamo.storage import DynamoStorage


@dataclass(frozen=True)
class MisplacedRecord:
    """A record, its item, and whether another item stands where it belongs."""

    key: tuple[Value, ...]
    item: Item
    taken: bool


def find_misplaced(storage: DynamoStorage, table: Table) -> Iterator[MisplacedRecord]:
    """Look at every item of a table."""
    statements = storage.statements(table)
    request: dict[str, Any] = {"TableName": statements.physical, "ConsistentRead": True}
    while True:
        answer = storage.client.read("scan", request)
        for item in answer["Items"]:
            key = misplaced(statements, item, statements.decode(item))
            if key is not None and None not in key:
                there = storage.client.read("get_item", statements.get(key))
                yield MisplacedRecord(key, item, "Item" in there)
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def put_right(storage: DynamoStorage, table: Table, record: MisplacedRecord) -> None:
    """Move an item to where its key says, in one atomic write that changes nothing else.

    It is moved only as it was found, and only to a place that is free. InvalidOperationError:
    another item is there, and which of the two counts is for people to say. WriteRefusedError: it
    was changed meanwhile; look again.
    """
    if record.taken:
        raise InvalidOperationError(
            f"{table.name} {record.key!r}: another item stands where this one belongs",
            advice="Compare the two, and delete the one that does not count",
            code="STX-3612",
        )
    statements = storage.statements(table)
    names = [PARTITION_KEY, CLUSTERING_KEY]
    old = {name: record.item[name] for name in names}
    rest = {name: value for name, value in record.item.items() if name not in names}
    aliases = {f"#old{i}": name for i, name in enumerate(rest)}
    values = {f":old{i}": value for i, value in enumerate(rest.values())}
    same = [f"#old{i} = :old{i}" for i in range(len(rest))]
    new = {**record.item, **statements.keys.item_key(record.key)}
    storage.client.transact(
        [
            {
                "Put": {
                    "TableName": statements.physical,
                    "Item": new,
                    "ConditionExpression": f"attribute_not_exists({PARTITION_KEY})",
                }
            },
            {
                "Delete": {
                    "TableName": statements.physical,
                    "Key": old,
                    "ConditionExpression": " AND ".join(same),
                    "ExpressionAttributeNames": aliases,
                    "ExpressionAttributeValues": values,
                }
            },
        ]
    )
