"""How does an audit set come to be, how is it described, and how does it go?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.audit.sets import PAIRS_A_STEP
from scalar_tx.errors import StorageUnavailableError
from tests.services.audit.world import (
    TABLES,
    all_of,
    email,
    everything,
    new_item,
    new_user,
    wrong,
)
from tests.services.stage import Refused

if TYPE_CHECKING:
    from tests.services.audit.world import World


def rows_of(world: World, audit_set_id: str) -> dict[str, int]:
    """How many rows of each table name a set."""
    found = {
        table: sum(row.get("audit_set_id") == audit_set_id for row in world.stage.rows(table))
        for table in TABLES
        if table != "event.auditor_logs"
    }
    return {table: count for table, count in found.items() if count}


def refusal(calls: Any, method: str, **asked: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        getattr(calls, method)(**asked)
    return caught.value.code, caught.value.reason


# Made.


def test_a_set_comes_with_its_owner_in_both_tables(world: World) -> None:
    made = world.calls("owner").CreateAuditSet(name="2026", description="two\nlines")
    assert (made.name, made.description, made.status) == ("2026", "two\nlines", "ACTIVE")
    assert (made.role, made.owner_email) == ("OWNER", email("owner"))
    assert made.created_at == made.updated_at > 0
    key = {"audit_set_id": made.audit_set_id, "user_email": email("owner")}
    by_person = world.stage.get("audit.audit_set_collaborators", **key)
    by_set = world.stage.get("audit.collaborators_by_audit_set", **key)
    assert by_person is not None
    assert by_set is not None
    assert by_person.pop("added_by") == made.owner_user_id
    assert by_person == by_set
    assert by_set["role"] == "OWNER"
    assert world.calls("owner").GetAuditSet(audit_set_id=made.audit_set_id) == made


def test_the_server_makes_ids_that_differ(world: World) -> None:
    calls = world.calls("owner")
    assert len({calls.CreateAuditSet(name="n").audit_set_id for _ in range(5)}) == 5


def test_made_twice_with_the_same_id_it_is_made_once(world: World) -> None:
    asked = {"audit_set_id": "chosen", "name": "n", "description": "d"}
    made = world.calls("owner").CreateAuditSet(**asked)
    before = everything(world.stage)
    assert world.calls("owner").CreateAuditSet(**asked) == made
    taken = ("ALREADY_EXISTS", "AUDIT_SET_EXISTS")
    assert refusal(world.calls("owner"), "CreateAuditSet", **{**asked, "name": "m"}) == taken
    assert refusal(world.calls("owner"), "CreateAuditSet", **{**asked, "description": ""}) == taken
    assert refusal(world.calls("member"), "CreateAuditSet", **asked) == taken
    assert everything(world.stage) == before


@pytest.mark.parametrize("status", ["DISABLED", "DELETING"])
def test_who_is_no_active_user_makes_none(world: World, status: str) -> None:
    new_user(world.stage, status.lower(), status)
    before = everything(world.stage)
    for name in (status.lower(), "unheard-of"):
        for method in ("CreateAuditSet", "CreateAuditGroup"):
            found = refusal(world.calls(name), method, name="n")
            assert found == ("NOT_FOUND", "USER_NOT_FOUND")
    assert everything(world.stage) == before


# Described.


def test_what_is_not_given_stays(world: World) -> None:
    calls, scene = world.calls("co-owner"), world.scene()
    of_set = {"audit_set_id": scene.audit_set}
    first = calls.GetAuditSet(**of_set)
    named = calls.UpdateAuditSet(**of_set, name="new")
    assert (named.name, named.description, named.role) == ("new", "words", "CO_OWNER")
    assert named.updated_at > first.updated_at
    described = calls.UpdateAuditSet(**of_set, description="")
    assert (described.name, described.description) == ("new", "")
    assert calls.UpdateAuditSet(**of_set) == described
    assert calls.UpdateAuditSet(**of_set, name="new") == described
    assert calls.GetAuditSet(**of_set) == described


# Deleted.


def test_a_set_goes_with_all_that_names_it(world: World) -> None:
    scene, before = world.scene(), None
    others = world.scene()
    before = rows_of(world, others.audit_set)
    assert world.calls("owner").DeleteAuditSet(audit_set_id=scene.audit_set).finished
    assert rows_of(world, scene.audit_set) == {}
    assert rows_of(world, others.audit_set) == before
    hidden = ("NOT_FOUND", "AUDIT_SET_NOT_FOUND")
    assert refusal(world.calls("owner"), "DeleteAuditSet", audit_set_id=scene.audit_set) == hidden
    assert wrong(world.stage) == []


def test_a_large_set_goes_step_by_step_and_is_never_half_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalar_auditor.audit.requests.STEPS_A_CALL", 1)
    calls, scene = world.calls("owner"), world.scene()
    of_set = {"audit_set_id": scene.audit_set}
    ids = [new_item(world.stage) for _ in range(3 * PAIRS_A_STEP)]
    calls.AddItems(**of_set, item_ids=ids)
    hidden = ("NOT_FOUND", "AUDIT_SET_NOT_FOUND")
    sizes = [sum(rows_of(world, scene.audit_set).values())]
    while True:
        finished = calls.DeleteAuditSet(**of_set).finished
        sizes.append(sum(rows_of(world, scene.audit_set).values()))
        assert sizes[-2] - sizes[-1] <= 2 * PAIRS_A_STEP
        for name in ("owner", "co-owner", "group-owner", "admin"):
            assert refusal(world.calls(name), "GetAuditSet", **of_set) == hidden
            assert refusal(world.calls(name), "AddItems", **of_set, item_ids=ids[:1]) == hidden
        for name in ("owner", "outside", "group-member"):
            listed = all_of(world.calls(name), "ListMyAuditSets", "audit_sets", 1000)
            assert scene.audit_set not in {one.audit_set_id for one in listed}
        assert refusal(world.calls("co-owner"), "DeleteAuditSet", **of_set) == hidden
        assert wrong(world.stage) == []
        if finished:
            break
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) >= 8, "it took several calls"
    assert sizes[-1] == 0


def test_its_owner_owns_it_until_nothing_is_left(world: World) -> None:
    """So that nobody is deleted who owns what is not gone yet."""
    scene = world.deleting(world.scene())
    row = world.stage.get(
        "audit.audit_set_collaborators",
        user_email=email("owner"),
        audit_set_id=scene.audit_set,
    )
    assert row is not None
    assert row["role"] == "OWNER"


def test_an_id_whose_log_stands_is_not_given_to_another(world: World) -> None:
    """Its new owner could read who looked at the set before."""
    scene = world.scene()
    world.calls("outside").GetAuditSet(audit_set_id=scene.audit_set)
    assert world.calls("owner").DeleteAuditSet(audit_set_id=scene.audit_set).finished
    asked = {"audit_set_id": scene.audit_set, "name": "a name", "description": "words"}
    for name in ("stranger", "owner"):
        found = refusal(world.calls(name), "CreateAuditSet", **asked)
        assert found == ("ALREADY_EXISTS", "AUDIT_SET_EXISTS")


def test_a_database_that_goes_away_on_the_way_is_no_failure_of_what_was_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = world.scene()
    transactions = world.stage.auditor.transactions
    run, allowed = transactions.run, 1

    async def going_away(*args: Any, **how: Any) -> Any:
        nonlocal allowed
        if not allowed:
            raise StorageUnavailableError("the database is away")
        allowed -= 1
        return await run(*args, **how)

    monkeypatch.setattr(transactions, "run", going_away)
    owner, of_set = world.calls("owner"), {"audit_set_id": scene.audit_set}
    assert not owner.DeleteAuditSet(**of_set).finished
    assert refusal(owner, "DeleteAuditSet", **of_set)[0] == "UNAVAILABLE"
    monkeypatch.setattr(transactions, "run", run)
    assert owner.DeleteAuditSet(**of_set).finished


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("kind", ["AuditSet", "AuditGroup"])
def test_a_deletion_that_another_one_overtakes_has_been_done(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, again: bool
) -> None:
    """And what was made anew under the id since then stays."""
    owner = world.calls("owner")
    named = {"AuditSet": "audit_set_id", "AuditGroup": "audit_group_id"}[kind]
    key = {named: f"overtaken-{kind}-{again}"}
    getattr(owner, f"Create{kind}")(name="n", **key)
    transactions, taken = world.stage.auditor.transactions, 0
    run = transactions.run

    async def overtaken(*args: Any, **how: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == 2:  # behind the first step of the slower call
            monkeypatch.setattr(transactions, "run", run)
            faster = getattr(world.calls("owner"), f"Delete{kind}")
            assert (await asyncio.to_thread(faster, **key)).finished
            if again:
                made = getattr(world.calls("owner"), f"Create{kind}")
                await asyncio.to_thread(made, name="another", **key)
        return await run(*args, **how)

    monkeypatch.setattr(transactions, "run", overtaken)
    assert getattr(owner, f"Delete{kind}")(**key).finished
    assert taken == 2
    table = {"AuditSet": "audit.audit_set", "AuditGroup": "audit.audit_group"}[kind]
    row = world.stage.get(table, **key)
    assert (row is not None and row["name"] == "another") == again
    assert wrong(world.stage) == []
