"""Is what somebody says to have looked at on record once, and for whom?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import rules
from scalar_auditor.permissions import Role, SetRole
from tests.services.event.scene import DAY_MS, NOW, item, new_set, refused
from tests.services.event.test_costs import counted
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.stage import Calls


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now_ms = NOW

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stage(clock: Clock) -> Iterator[Stage]:
    with Stage(names=("event", "item"), now_ms=clock) as one:
        one.as_service().UpsertItem(**item("f"))
        yield one


@pytest.fixture
def audit_set_id(stage: Stage) -> str:
    roles = {"out@example.org": SetRole.REVIEWER, "ada@example.org": SetRole.MEMBER}
    return new_set(stage, roles, ["f"])


def outside(stage: Stage) -> Calls:
    return stage.as_person("out@example.org", Role.EXTERNAL_AUDITOR)


def look(audit_set_id: str, **more: str) -> dict[str, Any]:
    plain = {"item_id": "f", "action_type": "DOWNLOAD", "request_id": "r"}
    return {"audit_set_id": audit_set_id, **plain, **more}


def test_a_look_elsewhere_is_recorded(stage: Stage, audit_set_id: str) -> None:
    outside(stage).RecordAuditorLog(**look(audit_set_id))
    (row,) = stage.rows("event.auditor_logs")
    assert row.pop("log_id").startswith(f"{NOW}-")
    assert row == {
        "audit_set_id": audit_set_id,
        "action_type": "DOWNLOAD",
        "item_id": "f",
        "user_id": "id of out@example.org",
        "user_email": "out@example.org",
        "created_at": NOW,
    }


@pytest.mark.parametrize("later", [0, 1, DAY_MS])
def test_a_request_is_recorded_once(
    stage: Stage, audit_set_id: str, clock: Clock, later: int
) -> None:
    outside(stage).RecordAuditorLog(**look(audit_set_id))
    clock.now_ms += later
    outside(stage).RecordAuditorLog(**look(audit_set_id))
    assert len(stage.rows("event.auditor_logs")) == 1


def test_a_request_is_known_again_behind_many_others(
    stage: Stage, audit_set_id: str, clock: Clock
) -> None:
    outside(stage).RecordAuditorLog(**look(audit_set_id))
    for number in range(2 * rules._LOG_PAGE + 1):
        stage.put(
            "event.auditor_logs",
            audit_set_id=audit_set_id,
            log_id=f"{NOW}-z{number:04d}",
            action_type="GetItem",
            item_id="f",
            user_id="u",
            user_email="ada@example.org",
            created_at=NOW,
        )
    before = len(stage.rows("event.auditor_logs"))
    clock.now_ms += 1
    outside(stage).RecordAuditorLog(**look(audit_set_id))
    assert len(stage.rows("event.auditor_logs")) == before


def test_a_long_log_is_not_read_to_its_end(
    stage: Stage, audit_set_id: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_LOG_PAGE", 2)
    monkeypatch.setattr(rules, "_LOG_PAGES", 3)
    for number in range(50):
        outside(stage).RecordAuditorLog(**look(audit_set_id, request_id=f"r{number}"))
        clock.now_ms += 1
    with counted(monkeypatch) as cost:
        outside(stage).RecordAuditorLog(**look(audit_set_id, request_id="last"))
    assert cost["scan"] <= 12  # of the log 3, each validated by another one
    assert len(stage.rows("event.auditor_logs")) == 51
    outside(stage).RecordAuditorLog(**look(audit_set_id, request_id="r46"))
    assert len(stage.rows("event.auditor_logs")) == 51


def test_another_look_needs_another_request(stage: Stage, audit_set_id: str) -> None:
    outside(stage).RecordAuditorLog(**look(audit_set_id))
    for more in ({"item_id": ""}, {"action_type": "PRINT"}):
        error = refused(outside(stage).RecordAuditorLog, **look(audit_set_id, **more))
        assert (error.code, error.reason) == ("ALREADY_EXISTS", "REQUEST_ID_USED")
    outside(stage).RecordAuditorLog(**look(audit_set_id, action_type="PRINT", request_id="r2"))
    assert len(stage.rows("event.auditor_logs")) == 2


def test_a_request_id_is_ones_own(stage: Stage, audit_set_id: str) -> None:
    outside(stage).RecordAuditorLog(**look(audit_set_id))
    stage.as_person("ada@example.org").RecordAuditorLog(**look(audit_set_id, action_type="PRINT"))
    assert {row["user_email"] for row in stage.rows("event.auditor_logs")} == {
        "out@example.org",
        "ada@example.org",
    }


def test_a_look_at_the_set_itself(stage: Stage, audit_set_id: str) -> None:
    outside(stage).RecordAuditorLog(**look(audit_set_id, item_id=""))
    (row,) = stage.rows("event.auditor_logs")
    assert row["item_id"] == ""


def test_the_same_request_by_many_at_once_is_recorded_once(stage: Stage, audit_set_id: str) -> None:
    asked = look(audit_set_id)
    threads = [
        threading.Thread(target=lambda: outside(stage).RecordAuditorLog(**asked)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stage.rows("event.auditor_logs")) == 1


def test_the_log_is_read_newest_first_and_by_pages(stage: Stage, audit_set_id: str) -> None:
    for number in range(5):
        outside(stage).RecordAuditorLog(**look(audit_set_id, request_id=f"r{number}"))
    found: list[Any] = []
    while True:
        after = found[-1].log_id if found else None

        async def page(tx: Any, after: str | None = after) -> list[Any]:
            return await rules.views_of(tx, audit_set_id, after, 2)

        rows = stage.run(stage.manager.run(page))
        found += rows
        if len(rows) < 2:
            break
    ids = [row.log_id for row in found]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
