"""What if the file can't be made or written, is there already, or is shared with a child?"""

# ruff: noqa: ASYNC240  # the loop has nothing else to do

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.connection import parts_of
from scalar_tx.errors import InvalidOperationError, StorageUnavailableError
from scalar_tx.histories import record
from scalar_tx.runtime.blocking import run_blocking
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, make_accounts
from tests.histories.recording.reading import check_form, completions, lines, told

if TYPE_CHECKING:
    from io import FileIO

FULL = Path("/dev/full")  # every write to it finds no room


async def test_a_file_that_exists_is_not_touched(db: Any, path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(InvalidOperationError, match="overwrite=True") as caught:
        db.record_history(path)
    assert caught.value.code == "STX-3052"
    assert str(path) in str(caught.value)
    assert path.read_text() == "precious"
    with db.record_history(str(path), overwrite=True):
        await make_accounts(db, count=1)
    assert "precious" not in path.read_text()
    assert [kind for kind, _ in told(path)] == ["ok"]


async def test_a_path_that_can_be_no_file(db: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path, tmp_path / "none" / "h", tmp_path / "file" / "h", "a\0b", ""):
        for overwrite in (False, True):
            with pytest.raises(InvalidOperationError) as caught:
                db.record_history(wrong, overwrite=overwrite)
            assert caught.value.code == "STX-3052"
    for no_path in (None, 1, b"h", ["h"], Path):
        with pytest.raises(InvalidOperationError) as caught:
            db.record_history(no_path)
        assert caught.value.code == "STX-3013"
    with pytest.raises(InvalidOperationError) as caught:
        db.record_history(tmp_path / "h", overwrite="yes")
    assert caught.value.code == "STX-3013"
    assert not (tmp_path / "h").exists()
    assert not parts_of(db).context.observers


async def test_a_closed_manager_records_nothing(db: Any, path: Path) -> None:
    await now(db.close())
    with pytest.raises(InvalidOperationError) as caught:
        db.record_history(path)
    assert caught.value.code == "STX-3044"
    assert not path.exists()


async def test_a_full_disk_ends_the_recording_and_nothing_else(
    db: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    recording = db.record_history(FULL, overwrite=True)
    await make_accounts(db, count=3)
    for n in (1, 2):
        await now(db.update(ACCOUNT, {"id": n}, {"balance": 0}))
    assert (await now(db.get(ACCOUNT, {"id": 2})))["balance"] == 0
    assert [message.name for message in caplog.records] == ["scalar_tx.histories"]
    assert not parts_of(db).context.observers, "transactions still pay for it"
    with pytest.raises(StorageUnavailableError) as caught:
        recording.close()
    assert caught.value.code == "STX-4006"
    assert not caught.value.retryable
    recording.close()


def test_a_history_with_a_gap_is_none(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> str:
        raise RuntimeError("a mistake of ours")

    with scalar_tx.connect("memory://") as db:
        run_blocking(make_accounts(db, count=1))
        recording = db.record_history(path)
        monkeypatch.setattr(record, "_register", broken)
        db.get(ACCOUNT, {"id": 1})
        monkeypatch.undo()
        db.get(ACCOUNT, {"id": 1})
        with pytest.raises(StorageUnavailableError, match="a mistake of ours"):
            recording.close()
    assert [line.name for line in caplog.records] == ["scalar_tx.observer"]
    assert told(path) == []


SMALL = """
import resource, sys, scalar_tx
from scalar_tx.errors import StorageUnavailableError
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
db = scalar_tx.connect("memory://")
db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
recording = db.record_history(sys.argv[1])
for n in range(20):
    db.upsert("a.b", {"id": n})
assert len(db.scan("a.b", whole_table=True)) == 20
try:
    recording.close()
except StorageUnavailableError:
    sys.exit(7)
"""


def test_a_line_for_which_there_is_no_room_is_taken_away(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SMALL, str(path)], check=False)
    assert done.returncode == 7
    history = lines(path)
    check_form(history)
    assert [line["type"] for line in history] == ["invoke", "ok"] * (len(history) // 2)
    assert 1500 < path.stat().st_size <= 2000


class Interrupted:
    """A file at whose second write Ctrl-C comes in, when the operating system has it already."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._writes = 0

    def write(self, data: bytes) -> int:
        written = self._file.write(data)
        self._writes += 1
        if self._writes == 2:
            raise KeyboardInterrupt
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_ctrl_c_in_a_write_neither_loses_nor_repeats_a_line(path: Path) -> None:
    with scalar_tx.connect("memory://") as db:
        run_blocking(make_accounts(db, count=1))
        with db.record_history(path) as recording:
            recording._file = Interrupted(recording._file)  # type: ignore[assignment]
            db.get(ACCOUNT, {"id": 1})
            with pytest.raises(KeyboardInterrupt):
                db.get(ACCOUNT, {"id": 1})
            db.get(ACCOUNT, {"id": 1})
    check_form(lines(path))
    assert [kind for kind, _ in told(path)] == ["ok"] * 3


async def test_an_error_of_the_block_goes_before_that_of_the_disk(db: Any) -> None:
    async def fill() -> None:
        with db.record_history(FULL, overwrite=True):
            await make_accounts(db, count=1)
            raise KeyError("of the block")

    with pytest.raises(KeyError, match="of the block"):
        await fill()


async def test_without_a_block(db: Any, path: Path) -> None:
    await make_accounts(db, count=1)
    recording = db.record_history(path)
    await now(db.get(ACCOUNT, {"id": 1}))
    assert len(lines(path)) == 2, "what is known to a caller is in the file"
    assert "1 transactions, open" in repr(recording)
    recording.close()
    recording.close()
    await now(db.get(ACCOUNT, {"id": 1}))
    assert recording.transactions == 1
    assert len(lines(path)) == 2


async def test_two_at_once(db: Any, path: Path) -> None:
    await make_accounts(db, count=1)
    second = path.with_name("second.jsonl")
    with db.record_history(path):
        await now(db.get(ACCOUNT, {"id": 1}))
        tx = db.begin()
        with db.record_history(second):
            await now(tx.commit())
            await now(db.update(ACCOUNT, {"id": 1}, {"balance": 1}))
    assert len(completions(path)) == 3
    assert told(second) == told(path)[2:]
    check_form(lines(second))


@pytest.mark.parametrize("target", ["memory", "sqlite"], indirect=True)
def test_a_forked_child_writes_nothing(target: str, path: Path) -> None:
    with scalar_tx.connect(target) as db:
        run_blocking(make_accounts(db, count=1))
        with db.record_history(path) as recording:
            unfinished = db.begin()
            child = os.fork()
            if child == 0:
                try:
                    db.upsert(ACCOUNT, {"id": 2})
                    recording.close()
                finally:
                    os._exit(0 if recording.transactions == 0 else 1)
            assert os.waitpid(child, 0)[1] == 0
            assert lines(path) == []
            unfinished.rollback()
    assert [kind for kind, _ in told(path)] == ["fail"]


KILLED = """
import os, sys, scalar_tx
db = scalar_tx.connect("memory://")
db.admin.create_table("a.b", columns={"id": "INT"}, partition_key=["id"])
recording = db.record_history(sys.argv[1])
for n in range(20):
    db.upsert("a.b", {"id": n})
db.begin()
os.kill(os.getpid(), 9)
"""


def test_a_killed_process_leaves_what_was_acknowledged(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    history = lines(path)
    check_form(history)
    assert [line["type"] for line in history] == ["invoke", "ok"] * 20


def test_the_library_is_imported_without_it() -> None:
    code = (
        "import sys, scalar_tx\n"
        "with scalar_tx.connect('memory://') as db:\n"
        "    db.admin.create_table('a.b', columns={'id': 'INT'}, partition_key=['id'])\n"
        "    db.upsert('a.b', {'id': 1})\n"
        "assert not [name for name in sys.modules if name.startswith('scalar_tx.histories')]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
