"""Servers over the storages that need no other program, and clients to them."""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING

import pytest

from scalar_tx.model.table import TableSchema
from tests.cluster.scalardb_server.served import Client, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

THINGS = TableSchema(
    columns={"pk": "INT", "ck": "INT", "v": "INT", "w": "TEXT", "big": "BLOB"},
    partition_key=["pk"],
    clustering_key=["ck"],
    secondary_index=["w"],
)
_keys = count(1)


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Tables ``shop.things`` (transactional) and ``shop.plain`` (not)."""
    folder = tmp_path_factory.mktemp("served")
    target = "memory://" if request.param == "memory" else f"sqlite:///{folder}/served.db"
    served = Served(target)
    make_tables(served)
    yield served
    served.close()


def make_tables(served: Served) -> None:
    admin = served.manager.admin
    served.run(admin.create_coordinator_tables(if_not_exists=True))
    served.run(admin.create_table("shop.things", THINGS))
    served.run(admin.create_table("shop.plain", THINGS, transaction=False))


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[Client]:
    made = Client(server.port)
    yield made
    made.close()


@pytest.fixture
def pk() -> int:
    """A partition of its own for each test."""
    return next(_keys)


@pytest.fixture(autouse=True)
def nothing_left(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """Whatever a test does to streams, nothing stays admitted or registered, or is a surprise."""
    yield
    unforeseen = [one for one in caplog.get_records("call") if one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in unforeseen] == []
    if "server" in request.fixturenames:
        served: Served = request.getfixturevalue("server")
        assert served.drained(), served.gate
        assert served.sessions.count == 0
