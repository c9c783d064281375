"""Both faces on both storages, as the tests of the faces have them; and a bank under control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.model.table import TableSchema
from tests.faces import either
from tests.faces.conftest import db, face, pytest_pyfunc_call
from tests.histories.recording.reading import ACCOUNT
from tests.protocol.world import World, open_inner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["db", "face", "pytest_pyfunc_call", "target"]

SCHEMA = TableSchema(
    columns={"id": "INT", "owner": "TEXT", "balance": "INT"},
    partition_key=["id"],
    secondary_index=["owner"],
)


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Accounts 1 and 2, written by ``load-1``; transactions are driven step by step."""
    made = World(open_inner(request.param, tmp_path))
    made.create_table(ACCOUNT, SCHEMA)
    made.load(ACCOUNT, *({"id": n, "owner": "ann", "balance": 100} for n in (1, 2)))
    yield made
    made.close()


@pytest.fixture(params=either.TARGETS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of its own: a history is recorded where transactions run."""
    return either.url(request.param, tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history goes."""
    return tmp_path / "history.jsonl"
