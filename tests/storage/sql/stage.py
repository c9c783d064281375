"""What the tests of the server databases share: driving them, and looking into their tables."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.settings import load

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import ScanRequest, StorageMutation
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

T = TypeVar("T")
KINDS = ("postgresql", "mysql")


def run(steps: Coroutine[Any, Any, T]) -> T:
    """The result of steps that never suspend."""
    try:
        steps.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    steps.close()
    raise AssertionError("suspended")


def opened(kind: str, properties: dict[str, str]) -> ServerStorage:
    """A storage of that kind."""
    module = importlib.import_module(f"scalar_tx.storage.{kind}.opening")
    storage: ServerStorage = module.from_settings(load(properties).storage)
    return storage


def with_parameters(server: Cluster, parameters: str, **more: str) -> dict[str, str]:
    """The server's properties, the URL with parameters of ours."""
    known = server.properties(**more)
    url = known["scalar.db.contact_points"].partition("?")[0]
    # Our own form refuses what it does not know; a JDBC URL passes over it.
    return {**known, "scalar.db.contact_points": f"{url}?{parameters}"}


def mutate(storage: ServerStorage, *mutations: StorageMutation) -> None:
    """Apply them together."""
    run(storage.mutate(mutations))


def all_rows(storage: ServerStorage, request: ScanRequest) -> list[Row]:
    """A scan's rows."""
    pages = storage.scan(request)
    found: list[Row] = []
    while (page := run(pages.next_page())) is not None:
        found.extend(page)
    return found
