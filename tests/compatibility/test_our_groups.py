"""Our group commits: Java finds, follows and blocks them as its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.compatibility.bank import (
    ABORTED,
    ACCOUNT,
    COMMITTED,
    DELETED,
    PREPARED,
    account,
    accounts,
    bank,
    expire,
    key,
    look,
)
from tests.compatibility.our_transfers import ROOT
from tests.compatibility.ours import COORDINATOR, HALTED
from tests.compatibility.test_java_groups import GROUPS, forms, group_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compatibility.java_peer import JavaPeer
    from tests.compatibility.java_session import JavaSession


@pytest.fixture
def session(java: JavaPeer, file: Path) -> JavaSession:
    opened = bank(java, file, settings=GROUPS)
    with opened.transaction() as tx:
        tx.insert(ACCOUNT, account(2))
        tx.insert(ACCOUNT, account(3))
    return opened


def run(file: Path, when: str, step: str = "commit-state") -> list[str]:
    """Three transactions at once, in a process that ends there; what it says."""
    arguments = [sys.executable, "-m", "tests.compatibility.our_groups", str(file), when, step]
    done = subprocess.run(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    assert done.returncode == (0 if when == "never" else HALTED)
    return done.stdout.split()


def our_group(file: Path) -> str:
    """What the group is called that the three records' writer has prepared them in."""
    (group,) = {group_of(row["tx_id"]) for row in accounts(file).values()}
    return group


def records(session: JavaSession) -> dict[int, object]:
    with session.transaction() as tx:
        return {number: tx.get(ACCOUNT, key(number)) for number in (1, 2, 3)}


def test_java_reads_a_group_of_ours(session: JavaSession, file: Path) -> None:
    before = forms(file)
    ids = run(file, "never")
    (group,) = {group_of(tx_id) for tx_id in ids}
    assert {key: form for key, form in forms(file).items() if key not in before} == {
        group: (sorted(tx_id[25:] for tx_id in ids), COMMITTED)
    }
    assert {session.state(tx_id) for tx_id in ids} == {"COMMITTED"}
    assert records(session) == {1: account(1), 2: account(2, 120), 3: None}
    session.close()


def test_java_finishes_a_group_of_ours_that_died_after_its_decision(
    session: JavaSession, file: Path
) -> None:
    run(file, "after")
    found = accounts(file)
    assert {row["tx_state"] for row in found.values()} == {PREPARED, DELETED}
    group = our_group(file)
    members, state = forms(file)[group]
    assert (len(members or []), state) == (3, COMMITTED)
    decisions = look(file, COORDINATOR)
    assert records(session) == {1: account(1), 2: account(2, 120), 3: None}
    assert look(file, COORDINATOR) == decisions, "nothing was added"
    assert {session.state(row["tx_id"]) for row in found.values()} == {"COMMITTED"}
    session.close()


def test_java_undoes_a_group_of_ours_that_died_before_its_decision(
    session: JavaSession, file: Path
) -> None:
    before = forms(file)
    run(file, "before")
    writers = [row["tx_id"] for row in accounts(file).values()]
    group = our_group(file)
    assert forms(file) == before
    expire(file, ACCOUNT)
    assert records(session) == {1: None, 2: account(2), 3: account(3)}
    aborted = {group: (None, ABORTED)} | dict.fromkeys(writers, (None, ABORTED))
    assert forms(file) == before | aborted
    session.close()
