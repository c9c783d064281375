"""An index that lags, and a whole table that changes under a scan, as the service has them.

DynamoDB Local brings an index up to date with the write itself; the service does it some time
later. Scans are sent page by page on both, and others write between two pages.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from scalar_tx.storage.dynamo.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class OlderAnswers:
    """Between a client and its server: what the same query on an index was answered before.

    ``behind``: the index has not caught up, and says what it said when it was asked first.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.behind = False
        self.older = 0
        self._known: dict[str, dict[str, Any]] = {}
        self._read = Client.read
        monkeypatch.setattr(Client, "read", self._wrapped())

    def _wrapped(self) -> Callable[..., dict[str, Any]]:
        def read(client: Client, operation: str, request: dict[str, Any]) -> dict[str, Any]:
            if operation != "query" or "IndexName" not in request:
                return self._read(client, operation, request)
            # In one answer, whatever the size of pages: the same query is the same one then.
            whole = {n: v for n, v in request.items() if n != "Limit"}
            mark = repr(whole)
            if self.behind and mark in self._known:
                self.older += 1
            else:
                self._known[mark] = self._read(client, operation, whole)
            return deepcopy(self._known[mark])

        return read


def before_each_page(
    monkeypatch: pytest.MonkeyPatch, table: str, happens: Callable[[bool], None]
) -> None:
    """Have something happen before each page of a table's scan; told whether it is the first."""
    real = Client.read

    def read(client: Client, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "scan" and request["TableName"].endswith(table):
            happens("ExclusiveStartKey" not in request)
        return real(client, operation, request)

    monkeypatch.setattr(Client, "read", read)
