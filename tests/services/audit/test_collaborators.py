"""Does a set always have one OWNER, and do both tables of collaborators agree?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.services.audit.world import all_of, email, everything, new_user, wrong
from tests.services.stage import Refused

if TYPE_CHECKING:
    from tests.services.audit.world import World


def refusal(calls: Any, method: str, **asked: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        getattr(calls, method)(**asked)
    return caught.value


def roles(world: World, audit_set_id: str) -> dict[str, str]:
    listed = all_of(
        world.calls("admin"), "ListCollaborators", "collaborators", 2, audit_set_id=audit_set_id
    )
    assert [one.user_email for one in listed] == sorted(one.user_email for one in listed)
    return {one.user_email.partition("@")[0]: one.role for one in listed}


def new(**roles: str) -> list[dict[str, str]]:
    return [{"user_email": email(name), "role": role} for name, role in roles.items()]


def test_people_are_added_all_or_none(world: World) -> None:
    calls, of_set = world.calls("co-owner"), {"audit_set_id": world.scene().audit_set}
    before = everything(world.stage)
    both = new(newcomer="CO_OWNER", nobody_known="MEMBER")
    found = refusal(calls, "AddCollaborators", **of_set, collaborators=both)
    assert (found.code, found.reason) == ("NOT_FOUND", "USER_NOT_FOUND")
    assert found.metadata["user_email"] == email("nobody_known")
    assert everything(world.stage) == before
    added = calls.AddCollaborators(**of_set, collaborators=new(newcomer="CO_OWNER"))
    (row,) = added.collaborators
    assert (row.role, row.user_id) == ("CO_OWNER", f"id of {email('newcomer')}")
    assert roles(world, of_set["audit_set_id"])["newcomer"] == "CO_OWNER"
    assert wrong(world.stage) == []


def test_added_twice_they_stay_as_they_are(world: World) -> None:
    calls, of_set = world.calls("owner"), {"audit_set_id": world.scene().audit_set}
    wanted = new(newcomer="REVIEWER", target="MEMBER")
    first = calls.AddCollaborators(**of_set, collaborators=wanted)
    before = everything(world.stage)
    assert calls.AddCollaborators(**of_set, collaborators=wanted) == first
    for other in (
        new(newcomer="MEMBER"),
        new(owner="CO_OWNER"),
        new(stranger="MEMBER", target="REVIEWER"),
    ):
        found = refusal(calls, "AddCollaborators", **of_set, collaborators=other)
        assert (found.code, found.reason) == ("ALREADY_EXISTS", "COLLABORATOR_EXISTS")
    assert everything(world.stage) == before


def test_e_mails_are_taken_in_lower_case(world: World) -> None:
    calls, of_set = world.calls("owner"), {"audit_set_id": world.scene().audit_set}
    loud = email("newcomer").upper()
    calls.AddCollaborators(**of_set, collaborators=[{"user_email": loud, "role": "MEMBER"}])
    assert calls.ChangeCollaboratorRole(**of_set, user_email=loud, role="REVIEWER")
    assert roles(world, of_set["audit_set_id"])["newcomer"] == "REVIEWER"
    calls.RemoveCollaborator(**of_set, user_email=loud)
    assert "newcomer" not in roles(world, of_set["audit_set_id"])


@pytest.mark.parametrize("status", ["DISABLED", "DELETING"])
def test_nobody_is_given_anything_who_is_not_active(world: World, status: str) -> None:
    of_set = {"audit_set_id": world.scene().audit_set}
    new_user(world.stage, "leaving")
    calls = world.calls("owner")
    calls.AddCollaborators(**of_set, collaborators=new(leaving="MEMBER"))
    new_user(world.stage, "leaving", status)
    new_user(world.stage, "left", status)
    before = everything(world.stage)
    leaving, left = {"user_email": email("leaving")}, {"user_email": email("left")}
    for method, asked in (
        ("AddCollaborators", {"collaborators": new(left="MEMBER")}),
        ("ChangeCollaboratorRole", {**leaving, "role": "CO_OWNER"}),
        ("TransferOwnership", leaving),
        ("TransferOwnership", left),
    ):
        assert refusal(calls, method, **of_set, **asked).reason == "USER_NOT_FOUND"
    assert everything(world.stage) == before
    calls.RemoveCollaborator(**of_set, **leaving)


@pytest.mark.parametrize(
    "method, more", [("RemoveCollaborator", {}), ("ChangeCollaboratorRole", {"role": "MEMBER"})]
)
def test_the_owner_is_neither_removed_nor_changed(
    world: World, method: str, more: dict[str, str]
) -> None:
    asked = {"audit_set_id": world.scene().audit_set, "user_email": email("owner"), **more}
    before = everything(world.stage)
    for name, code in (
        ("owner", "FAILED_PRECONDITION"),
        ("admin", "FAILED_PRECONDITION"),
        ("co-owner", "PERMISSION_DENIED"),
        ("group-owner", "PERMISSION_DENIED"),
    ):
        assert refusal(world.calls(name), method, **asked).code == code, name
    found = refusal(world.calls("owner"), method, **{**asked, "user_email": email("stranger")})
    assert (found.code, found.reason) == ("NOT_FOUND", "COLLABORATOR_NOT_FOUND")
    assert everything(world.stage) == before


def test_a_role_is_changed_in_both_tables(world: World) -> None:
    scene = world.scene()
    asked = {"audit_set_id": scene.audit_set, "user_email": email("target")}
    changed = world.calls("owner").ChangeCollaboratorRole(**asked, role="REVIEWER")
    assert changed.role == "REVIEWER"
    for table in ("audit.audit_set_collaborators", "audit.collaborators_by_audit_set"):
        row = world.stage.get(table, **asked)
        assert row is not None
        assert (row["role"], row["added_at"]) == ("REVIEWER", 1)
    assert world.calls("target").GetAuditSet(audit_set_id=scene.audit_set).role == "REVIEWER"


@pytest.mark.parametrize("heir", ["target", "newcomer"])
def test_ownership_is_handed_over_to_a_collaborator_or_to_somebody_new(
    world: World, heir: str
) -> None:
    scene = world.scene()
    of_set = {"audit_set_id": scene.audit_set}
    found = world.calls("owner").TransferOwnership(**of_set, user_email=email(heir))
    assert (found.owner_email, found.role) == (email(heir), "CO_OWNER")
    assert found.owner_user_id == f"id of {email(heir)}"
    told = roles(world, scene.audit_set)
    assert [name for name, role in told.items() if role == "OWNER"] == [heir]
    assert told["owner"] == "CO_OWNER"
    assert wrong(world.stage) == []
    denied = refusal(world.calls("owner"), "TransferOwnership", **of_set, user_email=email("owner"))
    assert denied.code == "PERMISSION_DENIED"
    back = world.calls(heir).TransferOwnership(**of_set, user_email=email("owner"))
    assert back.owner_email == email("owner")
    assert wrong(world.stage) == []


def test_handed_to_its_owner_it_stays(world: World) -> None:
    asked = {"audit_set_id": world.scene().audit_set, "user_email": email("owner")}
    before = everything(world.stage)
    assert world.calls("owner").TransferOwnership(**asked).role == "OWNER"
    assert world.calls("admin").TransferOwnership(**asked).role == ""
    assert everything(world.stage) == before
