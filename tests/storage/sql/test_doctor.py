"""What the doctor says of a sound server, of one that is not there, and of loose settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.model.finding import Verdict
from scalar_tx.settings import load
from scalar_tx.storage.mysql import doctor as mysql
from scalar_tx.storage.postgresql import doctor as postgresql
from tests.storage.sql.stage import KINDS

if TYPE_CHECKING:
    from tests.servers import Cluster

DOCTORS = {"postgresql": postgresql, "mysql": mysql}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.servers(*KINDS)
def test_a_sound_server(kind: str, request: pytest.FixtureRequest) -> None:
    server: Cluster = request.getfixturevalue(f"{kind}_server")
    found = DOCTORS[kind].examine(load(server.properties()).storage)
    by_subject = {one.subject: one for one in found.findings}
    assert by_subject["durability"].verdict is Verdict.GOOD
    assert not [one for one in found.findings if one.verdict is Verdict.BAD]
    assert found.clock_ahead_ms is not None
    assert abs(found.clock_ahead_ms) < 2000
    for one in found.findings:
        assert one.advice or one.verdict in (Verdict.GOOD, Verdict.NOTE), one


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_not_there(kind: str) -> None:
    found = DOCTORS[kind].examine(load(f"{kind}://me:hush@127.0.0.1:1/x").storage)
    [finding] = found.findings
    assert finding.verdict is Verdict.BAD
    assert finding.advice
    assert "hush" not in str(finding)


def test_loose_settings_of_postgresql() -> None:
    bad = postgresql._durability("off", "on", "on")
    assert bad.verdict is Verdict.BAD
    assert postgresql._durability("on", "on", "off").verdict is Verdict.WARNING
    assert postgresql._order("en_US.UTF-8", "c").verdict is Verdict.NOTE
    assert postgresql._order("C", "c").verdict is Verdict.GOOD
    assert postgresql._order("C", "i").verdict is Verdict.NOTE
    assert postgresql._connections(200, 100).verdict is Verdict.WARNING


def test_loose_settings_of_mysql() -> None:
    assert mysql._durability(2, 1).verdict is Verdict.BAD
    assert mysql._binary_log(True, 1, "STATEMENT").verdict is Verdict.BAD
    assert mysql._binary_log(True, 0, "ROW").verdict is Verdict.WARNING
    assert mysql._binary_log(False, 0, "ROW").verdict is Verdict.NOTE
    assert mysql._texts("5.7.40", "utf8mb4_bin").verdict is Verdict.BAD
    assert mysql._texts("11.4.5-MariaDB", "utf8mb4_general_ci").verdict is Verdict.WARNING
    assert mysql._texts("8.4.0", "utf8mb4_0900_bin").verdict is Verdict.GOOD
