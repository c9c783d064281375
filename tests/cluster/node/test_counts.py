"""Are transactions counted right in memory that several processes share?"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.limits import Limits
from scalar_tx.cluster.node_sessions import NodeSessions
from scalar_tx.cluster.sessions import Expiry, TooManyOpenError
from scalar_tx.cluster.shared_counts import SharedCounts

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(open_transactions=5, open_per_user=3)


@pytest.fixture
def counts() -> Iterator[SharedCounts]:
    counts = SharedCounts.made(3)
    yield counts
    counts.close()


def no_expiry(reason: Expiry) -> None:
    pytest.fail(f"expired: {reason}")


def test_a_limit_counts_all_slots(counts: SharedCounts) -> None:
    first, second = NodeSessions(LIMITS, counts, 0), NodeSessions(LIMITS, counts, 1)
    opened = [first.open(f"a{n}", "ann", no_expiry) for n in range(2)]
    opened.append(second.open("a2", "ann", no_expiry))
    for sessions in (first, second):
        with pytest.raises(TooManyOpenError, match="3 transactions of this user") as refused:
            sessions.open("a3", "ann", no_expiry)
        assert refused.value.transaction_id == "a3"
    opened += [second.open(f"b{n}", "bob", no_expiry) for n in range(2)]
    with pytest.raises(TooManyOpenError, match="5 transactions are open in this node"):
        first.open("c", "cay", no_expiry)
    assert (counts.in_all(), counts.of_user("ann"), counts.of_user("bob")) == (5, 3, 2)
    opened[0].close()
    opened[0].close()  # counted once, however often it is closed
    assert (counts.in_all(), counts.of_user("ann")) == (4, 2)
    first.open("a4", "ann", no_expiry)
    assert counts.in_all() == 5


def test_what_a_worker_left_behind_is_cleared(counts: SharedCounts) -> None:
    counts.add(0, "ann", 2)
    counts.add(1, "ann", 1)
    counts.clear(0)
    assert (counts.in_all(), counts.of_user("ann")) == (1, 1)


CHILD = """
import sys
from scalar_tx.cluster.shared_counts import SharedCounts
counts = SharedCounts(int(sys.argv[1]), 3, bytes.fromhex(sys.argv[2]))
print(counts.of_user("ann"))
counts.add(2, "ann", 4)
"""


def test_another_process_sees_and_adds(counts: SharedCounts) -> None:
    counts.add(0, "ann", 2)
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(counts.descriptor), counts.key.hex()],
        pass_fds=[counts.descriptor],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        check=True,
    )
    assert child.stdout == b"2\n"
    assert (counts.in_all(), counts.of_user("ann")) == (6, 6)


def test_thousands_of_users_seldom_share_a_cell(counts: SharedCounts) -> None:
    names = [f"user{n}" for n in range(1000)]
    for name in names:
        counts.add(0, name, 1)
    assert sum(counts.of_user(name) > 1 for name in names) < 60
