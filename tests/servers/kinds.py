"""Which kinds of servers are there, and which does a test use?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers import cassandra, dynamodb, mysql, postgresql, redis

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import pytest

    from tests.servers import Cluster

KINDS: dict[str, Callable[[], AbstractContextManager[Cluster]]] = {
    "cassandra": cassandra,
    "dynamodb": dynamodb,
    "postgresql": postgresql,
    "mysql": mysql,
    "redis": redis,
}


def kinds_of(item: pytest.Item) -> list[str]:
    """Which servers a test uses, by its fixtures and by its marker, in one order for all tests."""
    named = {kind for marker in item.iter_markers("servers") for kind in marker.args}
    fixtures = getattr(item, "fixturenames", ())
    return [kind for kind in KINDS if kind in named or f"{kind}_server" in fixtures]
