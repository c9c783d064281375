"""What the simulated disk keeps, what it may take, and that it does take all it may."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.simulation.parts.disk import (
    SECTOR,
    Disk,
    DiskFullError,
    File,
    StaleFileError,
    SyncFailedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS: Final = range(300)
OLD: Final = b"o" * (4 * SECTOR)
NEW: Final = b"n" * (4 * SECTOR)


def after_crash(steps: Callable[[Disk], object]) -> tuple[list[dict[str, bytes]], Counter[str]]:
    """What is left by each seed, and what was taken in all."""
    left = []
    taken: Counter[str] = Counter()
    for seed in SEEDS:
        disk = Disk(random.Random(seed))
        steps(disk)
        disk.crash()
        left.append({name: disk.open(name).read(0, 1 << 20) for name in disk.names()})
        taken += disk.counts
    return left, taken


def kept(disk: Disk, data: bytes = OLD) -> File:
    """A file whose bytes and name last."""
    file = disk.open("a", create=True)
    file.write(0, data)
    file.sync()
    disk.sync_directory()
    return file


def test_programs_see_what_they_wrote_synced_or_not() -> None:
    disk = Disk(random.Random(1))
    file = disk.open("a", create=True)
    file.write(2, b"bc")
    file.append(b"d")
    assert file.read(0, 10) == b"\0\0bcd"
    file.truncate(3)
    file.truncate(4)
    assert (file.read(1, 9), file.size) == (b"\0b\0", 4)
    disk.rename("a", "b")
    assert disk.names() == ["b"]
    with pytest.raises(FileNotFoundError):
        disk.open("a")
    disk.delete("b")
    file.append(b"!")  # who has it open keeps it
    assert file.size == 5
    with pytest.raises(FileNotFoundError):
        disk.delete("b")
    with pytest.raises(FileNotFoundError):
        disk.rename("b", "c")


def test_what_was_synced_is_there() -> None:
    left, taken = after_crash(kept)
    assert left == [{"a": OLD}] * len(SEEDS)
    assert taken == Counter()


def test_a_write_is_lost_kept_or_torn_between_sectors_or_bytes() -> None:
    left, taken = after_crash(lambda disk: kept(disk).write(0, NEW))
    found = {state["a"] for state in left}
    assert {OLD, NEW} < found
    assert {len(data) for data in found} == {len(OLD)}
    whole_sectors = {
        data
        for data in found
        if all(len(set(data[at : at + SECTOR])) == 1 for at in range(0, len(data), SECTOR))
    }
    assert len(whole_sectors) > 8
    assert len(found - whole_sectors) > 20
    # A sector may be there although one before it is not.
    assert any(data[:SECTOR] == OLD[:SECTOR] and NEW[:SECTOR] in data for data in whole_sectors)
    assert taken["writes lost"] > 60
    assert taken["writes torn"] > 20


def test_a_later_write_may_be_there_and_an_earlier_one_not() -> None:
    def steps(disk: Disk) -> None:
        file = kept(disk, b"")
        file.append(b"1")
        file.append(b"2")

    found = {state["a"] for state in after_crash(steps)[0]}
    assert {b"", b"1", b"12"} < found
    assert any(len(data) == 2 and data[1:] == b"2" and data[:1] != b"1" for data in found)


def test_a_file_may_have_grown_without_its_data() -> None:
    left, _ = after_crash(lambda disk: kept(disk, b"").write(0, NEW))
    grown = {state["a"] for state in left if len(state["a"]) == len(NEW)} - {NEW}
    assert any(data.count(b"n") == 0 for data in grown)
    assert any(set(data) - set(b"n\0") for data in grown), "something else than zeros"


def test_a_truncation_is_lost_or_kept() -> None:
    left, taken = after_crash(lambda disk: kept(disk).truncate(SECTOR))
    assert {len(state["a"]) for state in left} == {SECTOR, len(OLD)}
    assert 0 < taken["truncations lost"] < len(SEEDS)


def test_a_name_lasts_once_the_directory_is_synced_and_not_before() -> None:
    def steps(disk: Disk) -> None:
        file = disk.open("a", create=True)
        file.write(0, b"1")
        file.sync()

    left, taken = after_crash(steps)
    assert {tuple(state.items()) for state in left} == {(), (("a", b"1"),)}
    assert taken["changes of the directory undone"] > 0


def test_a_delete_may_be_undone() -> None:
    def steps(disk: Disk) -> None:
        kept(disk)
        disk.delete("a")

    left, taken = after_crash(steps)
    assert {tuple(state.items()) for state in left} == {(), (("a", OLD),)}
    assert taken["deletes undone"] == sum("a" in state for state in left)


def test_a_rename_is_whole_or_not_at_all() -> None:
    def steps(disk: Disk) -> None:
        kept(disk)
        new = disk.open("new", create=True)
        new.write(0, b"new")
        new.sync()
        disk.sync_directory()
        disk.rename("new", "a")

    left, _ = after_crash(steps)
    assert {tuple(sorted(state.items())) for state in left} == {
        (("a", b"new"),),
        (("a", OLD), ("new", b"new")),
    }


def test_a_failed_sync_drops_what_a_later_one_does_not_bring_back() -> None:
    def steps(disk: Disk) -> None:
        file = kept(disk)
        file.write(0, NEW)
        disk.failing_sync = True
        with pytest.raises(SyncFailedError):
            file.sync()
        disk.failing_sync = False
        file.sync()
        assert file.read(0, len(NEW)) == NEW, "programs go on seeing it"

    left, taken = after_crash(steps)
    assert sum(state["a"] == OLD for state in left) > len(SEEDS) / 2
    assert any(state["a"] == NEW for state in left)
    assert taken["failed syncs"] == len(SEEDS)


def test_a_failed_sync_of_the_directory_drops_names() -> None:
    def steps(disk: Disk) -> None:
        disk.open("a", create=True)
        disk.failing_sync = True
        with pytest.raises(SyncFailedError):
            disk.sync_directory()
        disk.failing_sync = False
        disk.sync_directory()

    # A sync that succeeds later writes the directory as it is seen.
    assert after_crash(steps)[0] == [{"a": b""}] * len(SEEDS)


def test_on_a_full_disk_files_do_not_grow() -> None:
    disk = Disk(random.Random(1))
    file = kept(disk, b"1234")
    disk.full = True
    file.write(1, b"ab")
    with pytest.raises(DiskFullError):
        file.write(2, b"cdef")
    assert file.read(0, 10) == b"1acd"
    assert disk.counts["writes without room"] == 1
    disk.full = False
    file.append(b"!")
    assert file.size == 5


def test_what_a_power_failure_leaves_lasts_and_older_files_are_stale() -> None:
    disk = Disk(random.Random(1))
    file = kept(disk)
    disk.crash()
    with pytest.raises(StaleFileError):
        file.read(0, 1)
    disk.crash()
    assert disk.open("a").read(0, len(OLD)) == OLD


def test_looking_at_what_would_be_left_changes_nothing() -> None:
    disk = Disk(random.Random(1))
    file = kept(disk)
    file.write(0, NEW)
    found = {disk.remains(random.Random(seed))["a"] for seed in SEEDS}
    assert {OLD, NEW} < found
    assert disk.remains(random.Random(7)) == disk.remains(random.Random(7))
    assert file.read(0, len(NEW)) == NEW
    file.sync()
    assert disk.remains(random.Random(7)) == {"a": NEW}
