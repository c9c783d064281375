"""Do servers start, die, freeze and come back with what they acknowledged?"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.servers import (
    ServerMissingError,
    artifacts,
    cassandra,
    mysql,
    places,
    postgresql,
    processes,
    redis,
)
from tests.servers.fixtures import Shelf, shelf_key
from tests.servers.kinds import KINDS
from tests.servers.owner import ROOT
from tests.servers.plain_clients import IMPATIENT, notes

kinds = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.servers(kind)) for kind in KINDS]
)


OWN = range(100, 120)  # the server, and so the table, is shared with other tests


@pytest.fixture
def shelf(pytestconfig: pytest.Config) -> Shelf:
    return pytestconfig.stash[shelf_key]


@kinds
def test_a_killed_server_comes_back_with_what_it_acknowledged(shelf: Shelf, kind: str) -> None:
    cluster = shelf.take(kind)
    node = cluster.nodes[0]
    with notes(cluster) as before:
        for number in OWN:
            before.add(number)
        members = processes.family(node.pid)
        node.kill()
        assert not node.alive
        assert all(processes.ended(pid) for pid in members)
    node.start()
    with notes(cluster) as after:
        assert set(OWN) <= after.all()


@kinds
def test_a_frozen_server_answers_late(shelf: Shelf, kind: str) -> None:
    cluster = shelf.take(kind)
    node = cluster.nodes[0]
    with notes(cluster) as table:
        known = table.all()
        node.pause()
        assert not answers(node)
        node.resume()
        node.await_answer(30)
        assert table.all() == known


def answers(node: Any) -> bool:
    """Does the server answer within a short time? Asked as its start asks."""
    try:
        node.await_answer(IMPATIENT)
    except TimeoutError:
        return False
    return True


OWNER = """
import os, signal, sys
from tests.servers.kinds import KINDS

with KINDS[sys.argv[1]]() as cluster:
    print(*[node.pid for node in cluster.nodes], cluster.nodes[0].home, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@kinds
def test_nothing_outlives_an_owner_killed_with_9(kind: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", OWNER, kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == -9
    *pids, home = run.stdout.split()
    deadline = time.monotonic() + 10
    while not all(processes.ended(int(pid)) for pid in pids) or Path(home).exists():
        assert time.monotonic() < deadline, f"{pids} or {home} is still there"
        time.sleep(0.05)


@pytest.mark.servers("postgresql")
def test_two_of_a_kind_with_settings_of_their_own() -> None:
    with (
        postgresql(settings={"wal_level": "logical"}) as first,
        postgresql(settings={"synchronous_standby_names": ""}) as second,
        notes(first) as ones,
        notes(second) as others,
    ):
        ones.add(1)
        assert (ones.all(), others.all()) == ({1}, set())
        assert asked(first, "SHOW wal_level") == "logical"
        assert asked(second, "SHOW wal_level") == "replica"


@pytest.mark.servers("mysql")
def test_two_mariadbs_with_settings_of_their_own() -> None:
    semi = {"log-bin": "binlog", "server-id": "1", "rpl-semi-sync-master-enabled": "1"}
    with (
        mysql(settings=semi) as first,
        mysql(settings={"server-id": "2"}) as second,
        notes(first) as ones,
        notes(second) as others,
    ):
        ones.add(1)
        assert (ones.all(), others.all()) == ({1}, set())
        assert asked(first, "SELECT @@rpl_semi_sync_master_enabled, @@log_bin") == "1, 1"
        assert asked(second, "SELECT @@rpl_semi_sync_master_enabled, @@log_bin") == "0, 0"


def asked(cluster: Any, question: str) -> str:
    with notes(cluster) as table:
        cursor: Any = table._cursor  # type: ignore[attr-defined]  # those of SQL databases have one
        cursor.execute(question)
        [answer] = cursor.fetchall()
    return ", ".join(str(cell) for cell in answer)


@pytest.mark.servers("redis")
def test_a_wiped_node_has_forgotten_everything_and_the_others_nothing() -> None:
    with redis(2) as cluster:
        wiped, other = cluster.nodes
        with notes(cluster) as table:
            table.add(1)
        with pytest.raises(RuntimeError, match="still runs"):
            wiped.wipe()
        wiped.kill()
        wiped.wipe()
        assert not wiped.home.exists()
        wiped.start()
        with notes(cluster) as table:
            assert table.all() == set()
        assert other.alive


@pytest.mark.servers("postgresql")
def test_a_wiped_postgresql_is_made_anew() -> None:
    with postgresql() as cluster:
        [node] = cluster.nodes
        with notes(cluster) as table:
            table.add(1)
        node.kill()
        node.wipe()
        node.start()
        with notes(cluster) as table:
            assert table.all() == set()


@pytest.mark.servers("postgresql")
def test_a_full_disk_refuses_until_there_is_room() -> None:
    with postgresql(disk=128) as cluster, notes(cluster) as table:
        [node] = cluster.nodes
        table.add(1)
        node.fill_disk()
        cursor: Any = table._cursor  # type: ignore[attr-defined]  # those of PostgreSQL have one
        with pytest.raises(Exception, match="No space left on device"):
            cursor.execute(
                "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 9999)"
            )
        node.empty_disk()
        table.add(2)
        assert table.all() == {1, 2}


@pytest.mark.servers("cassandra")
def test_a_setting_goes_before_ours_and_a_log_tells_why_a_start_failed() -> None:
    with (
        pytest.raises(RuntimeError, match=r"(?s)ended before it served:\n.*no_such_mode"),
        cassandra(config={"commitlog_sync": "no_such_mode"}),
    ):
        pytest.fail("a server with an impossible setting serves")


def test_a_port_is_free_and_below_those_of_clients() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(20000 <= places.free_port("127.0.0.1", "127.0.0.2") < lowest for _ in range(20))


def test_without_maven_a_server_that_was_never_fetched_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(places.CACHE, str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ServerMissingError, match="install Maven to fetch org"):
        artifacts.fetched("org.example:nothing:1")
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_fails_says_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 3:\nalas"):
        artifacts.run(["sh", "-c", "echo alas; exit 3"], tmp_path, 60)


def test_a_kind_that_is_not_there_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.servers", "cassandra:9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 2
    assert "cassandra and redis have 1 to 3 nodes" in run.stderr


def test_who_measures_has_both_of_javas_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert artifacts.quick_start() == ("-XX:TieredStopAtLevel=1",)
    monkeypatch.delenv("PYTEST_VERSION")
    assert artifacts.quick_start() == ()
