"""Do the commands pause, unpause and status do what they say, for all nodes named?"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from typer.testing import CliRunner

from scalar_tx.cli import app
from scalar_tx.cluster.admin_client import with_port
from tests.cluster.node.running import Node, held
from tests.cluster.node.test_certificates import Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.nodes


def command(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def told(*arguments: str) -> tuple[int, Any]:
    code, out, _ = command(*arguments, "--json")
    return code, json.loads(out)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    folder = tmp_path_factory.mktemp("nodes")
    with (
        Node(folder / "one", "--workers", "2") as one,
        Node(folder / "two", "--workers", "1") as other,
    ):
        yield one, other


def test_all_nodes_are_paused_and_unpaused(two: tuple[Node, Node]) -> None:
    addresses = [node.admin for node in two]
    assert told("status", *addresses) == (
        0,
        [{"address": where, "paused": False, "ready": True, "error": None} for where in addresses],
    )
    assert command("pause", *addresses)[:2] == (0, "".join(f"{a}: paused\n" for a in addresses))
    assert [one["paused"] for one in told("status", *addresses)[1]] == [True, True]
    assert command("status", addresses[0])[1] == f"{addresses[0]}: paused, ready\n"
    assert told("unpause", *addresses)[0] == 0
    assert [one["paused"] for one in told("status", *addresses)[1]] == [False, False]


def test_one_that_fails_leaves_the_others_paused(two: tuple[Node, Node]) -> None:
    one, other = two
    with grpc.insecure_channel(one.where) as channel:
        call = held(channel)
        began = time.monotonic()
        code, found = told("pause", "--max-wait", "300", one.admin, other.admin)
        assert time.monotonic() - began < 20
        call.cancel()
    assert code == 1
    assert found[0]["error"].startswith("FAILED_PRECONDITION: failed to finish processing")
    assert found[1] == {"address": other.admin, "paused": True, "error": None}
    assert [node["paused"] for node in told("status", one.admin, other.admin)[1]] == [False, True]
    assert command("unpause", other.admin)[0] == 0


def test_no_wait_does_not_wait(two: tuple[Node, Node]) -> None:
    one = two[0]
    with grpc.insecure_channel(one.where) as channel:
        call = held(channel)
        assert command("pause", "--no-wait", one.admin)[0] == 0
        assert command("unpause", one.admin)[0] == 0
        call.cancel()


def test_who_does_not_answer_is_named(two: tuple[Node, Node]) -> None:
    code, out, err = command("status", "127.0.0.1:1", two[1].admin)
    assert code == 1
    assert err.startswith("127.0.0.1:1: UNAVAILABLE")
    assert "is the node up" in err
    assert out == f"{two[1].admin}: not paused, ready\n"
    code, _, err = command("status", two[1].where)
    assert code == 1
    assert "no admin port" in err


@pytest.mark.parametrize(
    "given,where",
    [
        ("node", "node:60054"),
        ("node:7", "node:7"),
        ("[::1]", "[::1]:60054"),
        ("[::1]:7", "[::1]:7"),
        ("dns:///node:7", "dns:///node:7"),
    ],
)
def test_the_usual_port(given: str, where: str) -> None:
    assert with_port(given) == where


def test_over_tls(tmp_path: Path) -> None:
    files = Files(tmp_path)
    mutual = f"scalar.db.node.tls.client_ca_path={files.client_ca}\n"
    ca = tmp_path / "ca.pem"
    files.ca.cert_pem.write_to_path(ca)
    mine = files.clients.issue_cert("operator.test")
    mine.private_key_pem.write_to_path(tmp_path / "mine.key")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "mine.crt")
    with Node(tmp_path / "node", "--workers", "1", properties=files.properties + mutual) as node:
        trusting = ["--tls", "--ca-root-cert-path", str(ca)]
        showing = [
            "--cert-path",
            str(tmp_path / "mine.crt"),
            "--key-path",
            str(tmp_path / "mine.key"),
        ]
        assert command("pause", node.admin)[0] == 1
        assert command("pause", node.admin, "--tls")[0] == 1
        assert command("pause", node.admin, *trusting)[0] == 1
        assert command("pause", node.admin, *trusting, *showing)[0] == 0
        named = [*trusting, *showing, "--override-authority", "localhost"]
        assert command("unpause", node.admin, *named)[0] == 0


def test_wrong_uses() -> None:
    for wrong in (["pause"], ["status", "a:1", "--ca-root-cert-path", "x"]):
        assert command(*wrong)[0] == 2
    code, _, err = command("status", "a:1", "--tls", "--ca-root-cert-path", "not there")
    assert code == 2
    assert "STX-5005" in err


def test_a_node_tells_people_what_to_open(tmp_path: Path) -> None:
    arguments = ["node", "--config", "memory://", "--port", "0", "--http-port", "0"]
    arguments += ["--admin-port", "0", "--scalardb-server-port", "0", "--decommission", "0"]
    arguments += ["--workers", "3"]  # memory:// has one, whatever is said
    with subprocess.Popen(
        [sys.executable, "-m", "scalar_tx", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0
    assert line.startswith("ready, 1 workers: gRPC on 127.0.0.1:")
    assert "/metrics" in line
    assert "ScalarDB Server's protocol on 127.0.0.1:" in line
