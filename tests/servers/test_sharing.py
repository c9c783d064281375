"""Do the tests of a kind share one server, whichever process and order they run in?"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.servers.owner import ROOT

if TYPE_CHECKING:
    from pathlib import Path

# As the project's own tests run: the hooks are those of tests/conftest.py.
CONFTEST = """
from tests.conftest import *
"""
INI = f"""
[pytest]
addopts = --import-mode=importlib --strict-markers -p no:cacheprovider
pythonpath = {ROOT}
filterwarnings = error
markers =
    java: j
    servers: real database servers
"""
TESTS = """
from pathlib import Path

import pytest

@pytest.fixture
def by_way_of_another(redis_server):
    return redis_server

@pytest.mark.parametrize("turn", range(3))
def test_shares(by_way_of_another, turn):
    node = by_way_of_another.nodes[0]
    assert node.alive and not node.paused
    with Path("pids").open("a") as pids:
        print(node.pid, file=pids)

def test_needs_nothing():
    pass
"""
RUDE = """
import pytest

def test_leaves_it_frozen(redis_server):
    redis_server.nodes[0].pause()

def test_finds_it_well(redis_server):
    assert not redis_server.nodes[0].paused

def test_leaves_it_dead(redis_server):
    redis_server.nodes[0].kill()

def test_finds_it_alive(redis_server):
    assert redis_server.nodes[0].alive
"""


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """What pytest said of the tests in a folder."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(INI)
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", *arguments],
        cwd=folder,
        env={**inherited, "SCALAR_TX_STRICT": "0", **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    ).stdout


@pytest.mark.servers("redis")
def test_processes_share_one_server_of_a_kind(tmp_path: Path) -> None:
    for name in ("test_a.py", "test_b.py", "test_c.py"):
        (tmp_path / name).write_text(TESTS)
    arguments = ["--numprocesses", "2", "--dist", "loadgroup"]
    said = run(tmp_path, *arguments, SCALAR_TX_STRICT="1")
    assert "12 passed" in said, said
    pids = (tmp_path / "pids").read_text().split()
    assert (len(pids), len(set(pids))) == (9, 1)


@pytest.mark.servers("redis")
def test_what_a_test_leaves_dead_or_frozen_serves_the_next(tmp_path: Path) -> None:
    (tmp_path / "test_rude.py").write_text(RUDE)
    said = run(tmp_path, SCALAR_TX_STRICT="1")
    assert "4 passed" in said, said


def test_plain_runs_leave_out_who_takes_a_server_by_name(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(TESTS)
    said = run(tmp_path)
    assert "1 passed, 3 deselected" in said, said
    assert "3 tests  real database servers" in said


@pytest.mark.parametrize("strict, verdict", [("0", "3 skipped"), ("1", "3 errors")])
def test_without_programs_a_test_is_left_out_and_fails_under_strict(
    tmp_path: Path, strict: str, verdict: str
) -> None:
    (tmp_path / "test_a.py").write_text(TESTS)
    said = run(
        tmp_path,
        "-m",
        "servers",
        PATH=str(tmp_path),
        SCALAR_TX_SERVERS_CACHE=str(tmp_path / "cache"),
        SCALAR_TX_STRICT=strict,
    )
    assert verdict in said, said
    assert "install Maven" in said
