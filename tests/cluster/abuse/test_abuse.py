"""What do those who behave well notice of one who does not, and what is left behind of it?"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.abuse.calls import BIG
from tests.cluster.abuse.peer import Peer
from tests.cluster.abuse.run import ALONE
from tests.cluster.abuse.usual import TABLE
from tests.cluster.node.running import until
from tests.fuzz.target import INCIDENT, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

SECONDS = 4.0  # of a phase
TRIES = 3
# Beside other tests p99, memory and what an abuser gets done say more of these than of the node;
# make abuse has the machine alone.
MOST = float(os.environ.get("ABUSE_RATIO", "6"))  # times the usual p99
# Bytes that may stay: Python's allocator keeps some of a peak for the next, which adds little.
LEFT = (160 if ALONE else 256) * 2**20
GROWTH = 24 * 2**20  # of a second peak over the first: 2.5 KB of each transaction
# What stays after each scatters with where the last objects lay; the peaks would tell of a leak.
SCATTER = 64 * 2**20
HASTY = "scalar.db.node.idle_timeout_millis=3000\n"
PATIENT = """scalar.db.node.lifetime_millis=200000
scalar.db.node.max_open_transactions_per_user=11000
scalar.db.node.max_open_transactions=12000
scalar.db.node.idle_timeout_millis=200000
"""
# What the node has to end while whoever opened it goes on holding it.
HELD = ("slow_readers", "silent_streams")

# What each of them has to have done, that it counts.
FLOORS = {
    "giant_messages": {"OK": 5, "INVALID_ARGUMENT": 5, "RESOURCE_EXHAUSTED": 5},
    "deep_nesting": {"INVALID_ARGUMENT": 30},
    "empty_millions": {"INVALID_ARGUMENT": 5},
    "log_in_flood": {"sent": 200},
    "metadata_flood": {"OK": 10, "RESOURCE_EXHAUSTED": 20},
    "slow_readers": {"opened": 20},
    "many_streams": {"opened": 200},
    "open_transactions": {"opened": 10_000},
    "half_closed": {"opened": 100, "INVALID_ARGUMENT": 100},
    "silent_streams": {"silent": 100, "opened": 100, "scanners": 300, "ended by the node": 200},
    "many_connections": {"held": 300, "came and went": 30},
    "partial_frames": {"opened": 100, "bits": 500},
}


TARGETS = {"log_in_flood": "closed", "open_transactions": "patient"}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Target(tmp_path_factory.mktemp("node"), properties=HASTY) as made:
        prepare(made)
        yield made


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Target(tmp_path_factory.mktemp("patient"), properties=PATIENT) as made:
        prepare(made)
        yield made


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with Target(tmp_path_factory.mktemp("closed"), users=True, properties=HASTY) as made:
        prepare(made)
        yield made


def prepare(target: Target) -> None:
    with target.connect() as db:
        columns = {"id": "INT", "n": "INT", "text": "TEXT"}
        for table in (BIG, TABLE):
            db.admin.create_namespace("abuse", if_not_exists=True)
            db.admin.create_table(table, columns=columns, partition_key=["id"])
        db.load(TABLE, [{"id": 1, "n": 0}])
        db.load(BIG, ({"id": n, "n": n, "text": "x" * 1000} for n in range(2000)), batch=500)


def told_of(target: Target) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": target.node.told["port"],
        "java_port": target.node.told["scalardb_server_port"],
        "metadata": list(target.metadata),
        "url": f"grpc://{target.node.where}",
        "user": target.user,
    }


def abuse(target: Target, name: str) -> tuple[float, Counter[str], dict[str, Any]]:
    """How much slower a usual client is meanwhile, and what was done."""
    told = told_of(target)
    with Peer("usual") as usual, Peer("run", name) as abuser:
        usual.say(told)
        usual.say(0.5)
        usual.hear()
        usual.say(SECONDS)
        calm = usual.hear()
        abuser.say(told)
        time.sleep(1.5)  # it begins
        if name == "open_transactions":
            until(lambda: open_ones(target) >= 10_000, "they are not open", 150)
        usual.say(SECONDS)
        abused = usual.hear()
        if name in HELD:
            # An abuser that gets little of the machine goes on opening them for a while.
            assert target.at_rest(90)
        counts = Counter(abuser.finish())
    return abused["p99"] / calm["p99"], counts, {"calm": calm, "abused": abused}


def open_ones(target: Target) -> float:
    return target.node.metrics()["scalardb_node_open_transactions"]


@pytest.mark.parametrize("name", FLOORS)
def test_one_who_abuses_a_node_harms_nobody(
    name: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    target: Target = request.getfixturevalue(TARGETS.get(name, "target"))
    target.said()
    memory, files = target.memory(), target.descriptors()
    ratios = []
    for _ in range(TRIES):
        ratio, counts, how = abuse(target, name)
        ratios.append(ratio)
        with capsys.disabled():
            print(f"\n{name}: {ratio:.2f} times the usual p99; {dict(counts)} {how}")
        for what, least in FLOORS[name].items():
            assert counts[what] >= (least if ALONE else least // 20), (what, counts)
        if ratio <= MOST:
            break
        assert target.at_rest(60)
    assert target.at_rest()
    assert target.node.metrics()["scalardb_node_open_scanners"] == 0
    until(lambda: target.descriptors() <= files + 5, "connections are left", 20)
    with suppress(AssertionError):  # what is too much is said below
        until(lambda: target.memory() - memory <= LEFT, "memory is kept", 20)
    more = target.memory() - memory
    with capsys.disabled():
        print(f"{name}: {more / 2**20:.0f} MiB more; files {files} -> {target.descriptors()}")
    assert target.node.workers() == [target.worker]
    assert not INCIDENT.search(target.said())
    assert min(ratios) <= MOST, ratios
    assert more <= LEFT


def test_ten_thousand_open_transactions_take_no_more_the_second_time(
    patient: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    # What an allocator keeps for the next peak is no leak; what each peak adds is one.
    most, left = [], []
    for _ in range(2):
        with Peer("run", "open_transactions") as abuser:
            abuser.say(told_of(patient))
            until(lambda: open_ones(patient) >= 10_000, "they are not open", 150)
            most.append(patient.memory())
            abuser.finish()
        assert patient.at_rest(60)
        time.sleep(11)  # memory is given back every five seconds
        left.append(patient.memory())
    with capsys.disabled():
        print(
            f"\nMiB at each peak {[one >> 20 for one in most]}, then {[one >> 20 for one in left]}"
        )
    assert most[1] - most[0] <= GROWTH
    assert left[1] - left[0] <= SCATTER
