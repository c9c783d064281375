"""Can the namespace event move to another storage while importers keep sending, without a loss?

The recipe of docs/auditor.md: pause, copy the rows as they are stored, go on with another mapping.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.moving import copy_namespace
from scalar_tx.consensus_commit.record import PREPARED
from scalar_tx.errors import InvalidOperationError
from tests.services.moved import Place, moved_at_work, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.stage import Stage

BATCHES = 60


def settings(folder: Path, name: str, mapping: str) -> Path:
    file = folder / f"{name}.properties"
    multi = "scalar.db.multi_storage"
    file.write_text(
        "scalar.db.storage=multi-storage\n"
        f"{multi}.storages=first,second\n"
        f"{multi}.storages.first.storage=sqlite\n"
        f"{multi}.storages.first.contact_points={folder}/first.db\n"
        f"{multi}.storages.second.storage=sqlite\n"
        f"{multi}.storages.second.contact_points={folder}/second.db\n"
        f"{multi}.default_storage=first\n{mapping}"
    )
    return file


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return settings(tmp_path, "old", "")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return settings(tmp_path, "new", "scalar.db.multi_storage.namespace_mapping=event:second\n")


@pytest.fixture
def before(old: Path) -> Iterator[Stage]:
    with opened(old) as stage:
        yield stage


@pytest.mark.slow
def test_no_event_is_lost_or_doubled(old: Path, new: Path, before: Stage) -> None:
    moved_at_work(old, new, before, BATCHES)


def test_a_copy_may_be_made_again_and_never_over_something_newer(
    old: Path, new: Path, before: Stage
) -> None:
    place = Place(before, BATCHES)
    place.paused.set()
    place.take_in("17")
    with opened(new) as after:
        first = copy_namespace("event", old, new)
        assert copy_namespace("event", old, new) == first
        [row] = after.rows("event.position_tracker")
        after.put("event.position_tracker", **{**row, "stream_position": "further"})
        with pytest.raises(InvalidOperationError, match="another row stands in"):
            copy_namespace("event", old, new)
        assert after.rows("event.position_tracker")[0]["stream_position"] == "further"


def test_what_is_unsettled_is_not_copied(old: Path, new: Path, before: Stage) -> None:
    place = Place(before, BATCHES)
    place.paused.set()
    place.take_in("17")
    opened(new).close()
    with sqlite3.connect(old.parent / "first.db") as database:
        database.execute('UPDATE "event$position_tracker" SET "tx_state" = ?', (PREPARED,))
    database.close()
    with pytest.raises(InvalidOperationError, match="unsettled") as error:
        copy_namespace("event", old, new)
    assert "recover --all" in error.value.advice


def test_a_namespace_that_is_not_there_is_told(old: Path, new: Path, before: Stage) -> None:
    with pytest.raises(InvalidOperationError, match="there are no tables"):
        copy_namespace("events", old, new)
    with pytest.raises(InvalidOperationError):
        copy_namespace("event", old, new)  # its tables are not made yet
