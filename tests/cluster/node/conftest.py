"""Fixtures of the node's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node of four workers that the tests of one file share, and leave as they found it."""
    folder = tmp_path_factory.mktemp("node")
    with Node(folder, "--workers", "4", properties=POOL) as node:
        yield node


POOL = """scalar.db.connection_pool.min_idle=5
scalar.db.connection_pool.max_idle=10
scalar.db.connection_pool.max_total=18
"""
