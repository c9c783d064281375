"""Does a node run as in a container: read-only root, no home, a user who is nobody?"""

from __future__ import annotations

import re
import signal
import tempfile
from pathlib import Path

import pytest

import scalar_tx
from scalar_tx.errors import SettingsError
from scalar_tx.observe import metrics
from scalar_tx.settings import load, placeholders
from tests.cluster.node.running import Node, health
from tests.cluster.node.sandbox import USER

pytestmark = pytest.mark.nodes

NOTHING_OF_OURS = {"HOME": None, "USER": None, "LOGNAME": None, "TMPDIR": None}
TABLE = "shop.counts"


@pytest.mark.parametrize("memory", [True, False], ids=["with-dev-shm", "without"])
def test_it_serves_where_it_can_write_nothing_but_tmp(tmp_path: Path, memory: bool) -> None:
    properties = "scalar.db.cluster.auth.enabled=true\n"
    options = ("--workers", "2", "--health-port", "0", "--decommission", "0")
    with Node(
        tmp_path / "node",
        *options,
        properties=properties,
        environment=NOTHING_OF_OURS,
        sandbox="memory" if memory else "no memory",
    ) as node:
        assert node.told["ready"] is True
        status = Path(f"/proc/{node.workers()[0]}/status").read_text()
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
        mounts = Path(f"/proc/{node.workers()[0]}/mountinfo").read_text()
        assert re.search(r" / / ro[, ]", mounts)
        users = Path(f"/proc/{node.workers()[0]}/uid_map").read_text().split()
        assert int(users[0]) == USER
        maps = Path(f"/proc/{node.workers()[0]}/maps").read_text()
        where = "/dev/shm" if memory else "/tmp"
        assert f"{where}/scalar-tx-metrics-" in maps
        assert health(f"127.0.0.1:{node.told['health_port']}", "readiness") == "SERVING"
        password = node.said()["password"]
        with scalar_tx.connect(f"grpc://{node.where}", username="admin", password=password) as db:
            db.admin.create_table(TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
            with db.transaction() as tx:
                tx.upsert(TABLE, {"id": 1, "n": 1})
            assert db.get(TABLE, {"id": 1}) == {"id": 1, "n": 1}
        assert node.metrics()["scalardb_transaction_total"] > 0
        assert node.end(signal.SIGTERM) == 0
        assert "Traceback" not in node.log
        assert "Permission" not in node.log
        assert "Read-only" not in node.log


def test_with_nowhere_to_write_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_IN_MEMORY", tmp_path / "not there")

    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    with pytest.raises(SettingsError) as refused:
        metrics.SharedFiles.made()
    assert refused.value.code == "STX-5009"


@pytest.mark.parametrize("name", ["user.home", "user.name"])
def test_settings_that_need_a_home_name_their_place(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def nobody() -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setitem(placeholders._SYSTEM_PROPERTIES, name, nobody)
    properties = {"scalar.db.storage": "sqlite", "scalar.db.contact_points": f"${{sys:{name}}}/a"}
    with pytest.raises(SettingsError) as refused:
        load(properties)
    assert refused.value.code == "STX-3022"
    properties["scalar.db.contact_points"] = f"${{sys:{name}:-/tmp}}/a"
    assert load(properties).storage.contact_points == ("/tmp/a",)
