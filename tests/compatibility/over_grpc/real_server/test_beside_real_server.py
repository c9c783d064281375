"""Does a node answer as the real ScalarDB Server does, request by request?

The same conversations are had with both, each over a SQLite file of its own. Where they differ on
purpose the request says why, by a row of ``docs/differences-from-scalardb.md``; a difference that
is no longer there fails, too.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.node.running import Node
from tests.compatibility.java_build import JavaMissingError
from tests.compatibility.over_grpc.real_server import (
    administrators,
    operators,
    reasons,
    storage_readers,
    storage_writers,
    transaction_owners,
    transaction_readers,
    transaction_writers,
    two_phase_users,
)
from tests.compatibility.over_grpc.real_server.running import RealServer
from tests.compatibility.over_grpc.real_server.said import Hearing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.compatibility.over_grpc.real_server.said import Step

pytestmark = pytest.mark.nodes
DIFFERENCES = Path(__file__).parents[4] / "docs" / "differences-from-scalardb.md"
# Which come first: the real server takes much that has ended for outstanding, so that nobody could
# wait for its end any more once others have spoken.
FIRST: dict[str, list[Step]] = {
    "making tables": administrators.making_tables(),
    "pause: with something open": operators.with_something_open(),
}
CONVERSATIONS: dict[str, list[Step]] = {
    **administrators.conversations(),
    **storage_writers.conversations(),
    **storage_readers.conversations(),
    **transaction_owners.conversations(),
    **transaction_writers.conversations(),
    **transaction_readers.conversations(),
    **two_phase_users.conversations(),
    "pause: at once": operators.at_once(),
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hearing]:
    try:
        server = RealServer(tmp_path_factory.mktemp("real"))
    except JavaMissingError as missing:
        if os.environ.get("SCALAR_TX_STRICT") == "1":
            pytest.fail(f"SCALAR_TX_STRICT=1, but {missing}")
        pytest.skip(str(missing))
    with server:
        hearing = Hearing(server.port)
        yield hearing
        hearing.close()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hearing]:
    options = ("--workers", "2", "--scalardb-server-port", "0", "--decommission", "0")
    with Node(tmp_path_factory.mktemp("ours"), *options) as node:
        hearing = Hearing(node.told["scalardb_server_port"])
        yield hearing
        hearing.close()


@pytest.fixture(scope="module")
def both(real: Hearing, ours: Hearing) -> tuple[Hearing, Hearing]:
    for steps in FIRST.values():
        assert unexpected(real, ours, steps) == []
    return real, ours


def unexpected(real: Hearing, ours: Hearing, steps: list[Step]) -> list[tuple[int, Step, Any, Any]]:
    heard = zip(steps, real.of(steps), ours.of(steps), strict=True)
    return [
        (number, step, theirs, own)
        for number, (step, theirs, own) in enumerate(heard)
        if (theirs != own) != bool(step.differs)
    ]


@pytest.mark.parametrize("about", CONVERSATIONS)
def test_both_answer_alike(both: tuple[Hearing, Hearing], about: str) -> None:
    assert unexpected(*both, CONVERSATIONS[about]) == []


def test_every_difference_is_told_and_there() -> None:
    rows = [
        line.split("|")[1].strip() for line in DIFFERENCES.read_text().splitlines() if "|" in line
    ]
    told = {value for name, value in vars(reasons).items() if name.isupper()}
    spoken = (FIRST | CONVERSATIONS).values()
    used = Counter(step.differs for steps in spoken for step in steps)
    assert told == set(used) - {""}
    assert told <= set(rows)
    assert used.total() > 1000
