"""What is asked again and what never is, and on which event loop."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from scalar_tx.storage.cassandra.connecting import OnceOnly

READ = SimpleNamespace(is_idempotent=True)
WRITE = SimpleNamespace(is_idempotent=False)
AGAIN = (OnceOnly.RETRY_NEXT_HOST, None)
NEVER = (OnceOnly.RETHROW, None)


@pytest.mark.parametrize(
    "query, retry_num, decision",
    [(READ, 0, AGAIN), (READ, 1, NEVER), (WRITE, 0, NEVER), (WRITE, 1, NEVER), (None, 0, NEVER)],
)
def test_only_reads_are_asked_of_one_more_host(
    query: SimpleNamespace | None, retry_num: int, decision: tuple[int, None]
) -> None:
    policy = OnceOnly()
    assert policy.on_request_error(query, 4, OSError(), retry_num) == decision
    assert policy.on_unavailable(query, 4, 2, 1, retry_num) == decision


@pytest.mark.parametrize("query", [READ, WRITE])
def test_time_outs_are_handed_on(query: SimpleNamespace) -> None:
    policy = OnceOnly()
    assert policy.on_write_timeout(query, 4, "CAS", 2, 1, 0) == NEVER
    assert policy.on_read_timeout(query, 4, 2, 1, False, 0) == NEVER


WITHOUT_LIBEV = """
import sys
sys.modules["cassandra.io.libevwrapper"] = None
sys.modules["asyncore"] = None  # as in Python 3.12
from scalar_tx.storage.cassandra.connecting import _CONNECTION_CLASS
import cassandra.cluster
print(_CONNECTION_CLASS.__mro__[1].__name__, cassandra.cluster.DefaultConnection.__name__)
"""


def test_without_libev_and_asyncore_the_driver_runs_on_asyncio() -> None:
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_LIBEV],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert answer.stdout.split() == ["AsyncioConnection", "AsyncioConnection"]


def test_a_missing_driver_names_the_extra() -> None:
    code = (
        "import sys\n"
        "sys.modules['cassandra'] = None\n"
        "import scalar_tx\n"
        "try:\n"
        "    scalar_tx.connect('cassandra://127.0.0.1')\n"
        "except scalar_tx.SettingsError as error:\n"
        "    print(error.code, error.advice)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert "STX-3029" in answer.stdout
    assert "scalar-tx[cassandra]" in answer.stdout
