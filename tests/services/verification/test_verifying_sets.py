"""Is each item of a set verified once, with its progress told, and from where it was left?"""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import Caller, Kind, Role, SetRole
from scalar_auditor.verification import rules, verifying_sets
from scalar_auditor.verification.verifying_sets import Progress, SetVerification
from tests.services.stage import Refused, Stage
from tests.services.verification.scene import (
    add_many_monitored,
    admin,
    auditor,
    monitored,
    new_item,
    new_set,
    reasons,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMIN = Caller(Kind.PERSON, email="a@x.org", user_id="a", roles=frozenset({Role.AUDIT_ADMIN}))


def run(stage: Stage, audit_set: str, **fields: Any) -> tuple[Any, list[Any]]:
    """The last message, and the verdicts of all of them."""
    messages = list(admin(stage).VerifyAuditSet(audit_set_id=audit_set, **fields))
    return messages[-1], [verdict for one in messages for verdict in one.verdicts]


def alter(stage: Stage, item: str) -> None:
    row = stage.get("verification.item_status", item_id=item)
    assert row is not None
    stage.put("verification.item_status", **(row | {"version_id": "other"}))


def test_each_item_is_verified_and_the_bad_ones_are_told(stage: Stage) -> None:
    good = [monitored(stage, 2) for _ in range(9)]
    bad = [monitored(stage, 2) for _ in range(3)]
    unknown = [new_item(stage) for _ in range(2)]
    audit_set = new_set(stage, items=[*good, *bad, *unknown])
    for item in bad:
        alter(stage, item)
    for _ in range(2):
        last, verdicts = run(stage, audit_set)
        assert last.finished
        assert (last.verified, last.total, last.tampered, last.not_monitored) == (14, 14, 3, 2)
        assert last.last_item_id == max([*good, *bad, *unknown])
        told = {verdict.item_id: verdict.tampering_status for verdict in verdicts}
        assert told == dict.fromkeys(bad, "TAMPERED") | dict.fromkeys(unknown, "NOT_MONITORED")
    for item in good:
        shown = admin(stage).GetStatus(item_id=item)
        assert (shown.tampering_status, shown.last_verified_at > 0) == ("NOT_TAMPERED", True)


def test_an_empty_set_is_finished_at_once(stage: Stage) -> None:
    last, verdicts = run(stage, new_set(stage))
    assert (last.finished, last.verified, last.total, verdicts) == (True, 0, 0, [])


@pytest.mark.parametrize("after", [0, 1, 10, 19, 20])
def test_it_goes_on_behind_an_item(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(verifying_sets, "_PAGE", 7)
    monkeypatch.setattr(verifying_sets, "_COUNTED", 3)
    items = sorted(new_item(stage) for _ in range(20))
    audit_set = new_set(stage, items=items)
    last, verdicts = run(stage, audit_set, after_item_id=items[after - 1] if after else "")
    assert [verdict.item_id for verdict in verdicts] == items[after:]
    assert (last.verified, last.total) == (20 - after, 20 - after)
    assert last.last_item_id == items[-1]


def test_what_was_told_when_it_broke_off_is_where_it_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying_sets, "_EVERY", 0.0)
    items = sorted(new_item(stage) for _ in range(30))
    audit_set = new_set(stage, items=items)
    seen: list[str] = []
    rounds, after, finished = 0, "", False
    while not finished:
        some = admin(stage).VerifyAuditSet(audit_set_id=audit_set, after_item_id=after)
        for message in some:
            seen += [verdict.item_id for verdict in message.verdicts]
            after, finished = message.last_item_id, message.finished
            if message.verified >= 4:  # and then the connection is gone
                break
        some.close()
        rounds += 1
    assert rounds > 3
    assert seen == items


def test_anchors_are_those_of_their_items(stage: Stage) -> None:
    items = [monitored(stage, 2) for _ in range(3)]
    audit_set = new_set(stage, items=items)
    heads = []
    for item in items:
        row = stage.get("verification.asset_history", item_id=item, asset_version=2)
        assert row is not None
        heads.append({"item_id": item, "asset_version": 2, "head_digest": row["digest"]})
    heads[1]["asset_version"] = 3
    elsewhere = {"item_id": "else", "asset_version": 1, "head_digest": "a" * 64}
    last, verdicts = run(stage, audit_set, anchors=[*heads, elsewhere])
    assert (last.verified, last.tampered) == (3, 1)
    assert [(one.item_id, reasons(one)) for one in verdicts] == [(items[1], {"BEHIND_ANCHOR"})]


def test_each_verification_by_an_outside_auditor_is_logged(stage: Stage) -> None:
    items = [monitored(stage) for _ in range(12)]
    audit_set = new_set(stage, {"outside@example.org": SetRole.REVIEWER}, items)
    *_, last = auditor(stage).VerifyAuditSet(audit_set_id=audit_set)
    assert last.verified == 12
    logged = [r for r in stage.rows("event.auditor_logs") if r["audit_set_id"] == audit_set]
    assert sorted(row["item_id"] for row in logged) == ["", *sorted(items)]


class Meanwhile:
    """Does something between two messages of a run."""

    def __init__(self, stage: Stage, audit_set: str, caller: Caller = ADMIN) -> None:
        self.stage = stage
        self.run_ = SetVerification(stage.auditor, caller, audit_set, "", {})
        self.told: list[Progress] = []

    def __call__(self, do: Any) -> Progress:
        async def send(progress: Progress) -> None:
            self.told.append(progress)
            if len(self.told) == 1:
                await do(self.stage.manager)

        self.stage.run(self.run_.run(send))
        return self.told[-1]


def test_items_that_come_and_go_meanwhile(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    items = sorted(monitored(stage) for _ in range(10))
    audit_set = new_set(stage, items=items)

    async def remove(manager: Any) -> None:
        key = {"audit_set_id": audit_set, "item_id": items[4]}
        await manager.delete("audit.audit_set_item", key)

    last = Meanwhile(stage, audit_set)(remove)
    assert (last.finished, last.tampered) == (True, 0)
    assert last.verified == 9

    late = monitored(stage, item_id="z-late")

    async def add(manager: Any) -> None:
        row = await manager.get(
            "audit.audit_set_item", {"audit_set_id": audit_set, "item_id": items[0]}
        )
        await manager.upsert("audit.audit_set_item", dict(row) | {"item_id": late})

    last = Meanwhile(stage, audit_set)(add)
    assert (last.verified, last.total, last.last_item_id) == (10, 10, late)


def test_who_may_see_no_more_of_the_set_is_told_no_more(stage: Stage) -> None:
    items = [monitored(stage) for _ in range(30)]
    audit_set = new_set(stage, {"r@x.org": SetRole.REVIEWER}, items)
    caller = Caller(Kind.PERSON, email="r@x.org", user_id="r", roles=frozenset({Role.GENERAL_USER}))

    async def remove(manager: Any) -> None:
        key = {"user_email": "r@x.org", "audit_set_id": audit_set}
        await manager.delete("audit.audit_set_collaborators", key)

    with pytest.raises(Exception, match="there is no audit set"):
        Meanwhile(stage, audit_set, caller)(remove)
    assert admin(stage).GetStatus(item_id=items[-1]).last_verified_at == 0


def test_a_call_that_is_gone_leaves_nothing_running(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying_sets, "_EVERY", 0.0)
    audit_set = new_set(stage, items=[monitored(stage) for _ in range(40)])

    async def broken() -> int:
        told = 0

        async def send(progress: Progress) -> None:
            nonlocal told
            told += 1
            if told == 3:
                raise ConnectionError

        before = asyncio.all_tasks()
        with pytest.raises(ConnectionError):
            await SetVerification(stage.auditor, ADMIN, audit_set, "", {}).run(send)
        return len(asyncio.all_tasks() - before)

    assert stage.run(broken()) == 0


def test_progress_is_told_while_one_item_takes_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "STEP", 1)
    monkeypatch.setattr(verifying_sets, "_EVERY", 0.002)
    item = monitored(stage, 60)
    audit_set = new_set(stage, items=[item])
    messages = list(admin(stage).VerifyAuditSet(audit_set_id=audit_set))
    assert len([one for one in messages if one.verified == 0]) > 3
    assert messages[-1].verified == 1


def test_a_pause_of_the_node_is_waited_for(stage: Stage) -> None:
    """Each transaction passes the gate; none is under way while it is closed."""
    audit_set = new_set(stage, items=[monitored(stage) for _ in range(20)])
    opened: list[float] = []

    async def paused(manager: Any) -> None:
        stage.gate.close()

        def reopen() -> None:
            opened.append(time.monotonic())
            stage.gate.open()

        asyncio.get_running_loop().call_later(0.2, reopen)

    last = Meanwhile(stage, audit_set)(paused)
    assert (last.verified, last.finished) == (20, True)
    assert opened


def test_no_item_is_verified_while_the_node_is_paused(stage: Stage) -> None:
    item = monitored(stage)
    one = SetVerification(stage.auditor, ADMIN, new_set(stage, items=[item]), "", {})

    async def paused() -> tuple[bool, Any]:
        stage.gate.close()
        try:
            verdict = asyncio.create_task(one._verdict_on(item))
            ended, _ = await asyncio.wait({verdict}, timeout=0.1)
        finally:
            stage.gate.open()
        return bool(ended), await verdict

    ended, verdict = stage.run(paused())
    assert (ended, verdict.tampering_status) == (False, "NOT_TAMPERED")


@pytest.fixture(scope="module")
def large() -> Iterator[tuple[Stage, str]]:
    with Stage(names=("verification",)) as stage:
        audit_set = new_set(stage)
        add_many_monitored(stage, audit_set, [f"i{number:05}" for number in range(10_000)])
        yield stage, audit_set


@pytest.mark.slow
def test_10000_items(large: tuple[Stage, str]) -> None:
    """In bounded memory, and not a second without a message while the machine is its own."""
    stage, audit_set = large
    for item in ("i00000", "i05000", "i09999"):
        alter(stage, item)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, gaps, verified = time.monotonic(), [0.0], 0
    tampered: list[str] = []
    after, finished = "", False
    while not finished:  # a call of this stage has a minute; the next goes on where it ended
        told, count = time.monotonic(), 0
        with suppress(Refused):
            for message in admin(stage).VerifyAuditSet(audit_set_id=audit_set, after_item_id=after):
                gaps.append(time.monotonic() - told)
                told, count = time.monotonic(), message.verified
                tampered += [verdict.item_id for verdict in message.verdicts]
                after, finished = message.last_item_id, message.finished
                assert finished or message.total >= count
        verified += count
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"10000 items in {time.monotonic() - began:.1f} s, {len(gaps) - 1} messages, "
        f"{max(gaps):.2f} s between two at most, {more:.0f} MiB more at the peak"
    )
    assert verified == 10_000
    assert tampered == ["i00000", "i05000", "i09999"]
    # Two of a hundred may be somebody else's on the machine.
    assert sorted(gaps)[len(gaps) * 98 // 100] < 1.0
    assert max(gaps) < 10.0
    assert more < 64
