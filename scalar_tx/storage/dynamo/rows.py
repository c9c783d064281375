"""How are all items of a table read, and removed? DynamoDB has no truncation of its own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.storage.dynamo.patience import Patience
from scalar_tx.storage.later_steps import begun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scalar_tx.storage.dynamo.client import Client

_DELETIONS: Final = 25  # of one BatchWriteItem


def items(client: Client, physical: str, limit: int = 100) -> Iterator[dict[str, Any]]:
    """All items of a table, ``limit`` a request."""
    request: dict[str, Any] = {"TableName": physical, "ConsistentRead": True, "Limit": limit}
    while True:
        answer = client.read("scan", request)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def remove_all(client: Client, physical: str, key: Sequence[str]) -> None:
    """Remove the items one by one; ``key`` names the attributes of their keys."""
    requests = (
        {"DeleteRequest": {"Key": {name: item[name] for name in key}}}
        for item in items(client, physical)
    )
    first = list(itertools.islice(requests, _DELETIONS))
    left = _unprocessed(client, physical, first) if first else []
    with begun(f"truncating {physical}"):
        _remove(client, physical, left)
        while batch := list(itertools.islice(requests, _DELETIONS)):
            _remove(client, physical, _unprocessed(client, physical, batch))


def _remove(client: Client, physical: str, left: list[dict[str, Any]]) -> None:
    wait = Patience(f"the rows of {physical} could not be removed")
    while left:
        wait.pause()
        left = _unprocessed(client, physical, left)


def _unprocessed(
    client: Client, physical: str, batch: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Send the requests; those that are to be sent again."""
    answer = client.write("batch_write_item", {"RequestItems": {physical: batch}})
    left: list[dict[str, Any]] = answer.get("UnprocessedItems", {}).get(physical, [])
    return left
