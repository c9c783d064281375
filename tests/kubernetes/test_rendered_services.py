"""Does a node that is rendered with two of the services serve those two, and keep the rest shut?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.containers import python_inside
from tests.kubernetes.rendered import objects_of
from tests.kubernetes.test_first_admin_job import (
    ADMIN,
    PASSWORD,
    SECRET,
    begun,
    container_of,
    make_tables,
    with_services,
)
from tests.kubernetes.test_services_component import choosing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.manifests

# What each service answers to a person, and a namespace of each to one who comes past them.
ASK = f"""if True:
    import json
    import scalar_tx
    from scalar_auditor.client import AuditorError, connect

    DAY = "2026-01-01"
    said = {{}}
    with connect("grpc://127.0.0.1:60053", email={ADMIN!r}, password={PASSWORD!r}) as client:
        client.timeout = 2
        for name, call in (
            ("identity", lambda: client.identity.get_user(user_email={ADMIN!r})),
            ("event", lambda: list(client.event.query_events(from_day=DAY, to_day=DAY))),
            ("item", lambda: client.item.get_item(item_id="17")),
            ("audit", lambda: list(client.audit.list_my_audit_sets())),
            ("verification", lambda: client.verification.get_status(item_id="17")),
        ):
            try:
                call()
                said[name] = "OK"
            except AuditorError as error:
                said[name] = error.code
    with scalar_tx.connect("grpc://127.0.0.1:60053") as db:
        for table, key in (
            ("identity.user", {{"user_email": "x"}}),
            ("event.position_tracker", {{"user_id": "x"}}),
            ("item.item", {{"item_id": "x"}}),
            ("audit.audit_set", {{"audit_set_id": "x"}}),
            ("verification.item_status", {{"item_id": "x"}}),
        ):
            try:
                db.get(table, key)
                said[table] = "OK"
            except scalar_tx.ScalarTxError as error:
                said[table] = error.code
    print(json.dumps(said))
"""


def test_two_of_them_are_served_and_the_tables_of_all_are_shut(tmp_path: Path) -> None:
    own = objects_of(choosing(tmp_path / "own", "event,identity", "services"))
    made = with_services(own, email=ADMIN, password=PASSWORD)
    with begun(made, tmp_path / "node") as node:
        node.await_probe(made.container["startupProbe"])
        make_tables(node, made)
        done = node.inside(container_of(made, SECRET))
        assert done.returncode == 0, done.stdout + done.stderr
        node.await_probe(made.container["readinessProbe"])
        asked = node.inside(made.container, python_inside(), "-c", ASK)
        assert asked.returncode == 0, asked.stderr + node.log.read_text()
        said = json.loads(asked.stdout)
        served = {
            name: said[name] for name in ("identity", "event", "item", "audit", "verification")
        }
        assert served == {
            "identity": "OK",
            "event": "OK",
            "item": "UNIMPLEMENTED",
            "audit": "UNIMPLEMENTED",
            "verification": "UNIMPLEMENTED",
        }
        tables = {name: code for name, code in said.items() if "." in name}
        assert len(tables) == 5
        assert set(tables.values()) == {"STX-5202"}, tables
