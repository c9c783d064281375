"""People, items, a set and a group, made by the rules themselves, for the tests of this service."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scalar_auditor.audit import collaborators, groups, items, sets
from scalar_auditor.audit.invariants import findings
from scalar_auditor.audit.model import GroupMember
from scalar_auditor.permissions import Caller, Kind, Role, SetRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.transaction_async import AsyncTransaction
    from tests.services.stage import Calls, Stage

# What a person is everywhere; what they are on the set and in the group, the tables below say.
PEOPLE = {
    "admin": Role.AUDIT_ADMIN,
    "owner": Role.GENERAL_USER,
    "co-owner": Role.GENERAL_USER,
    "member": Role.GENERAL_USER,
    "reviewer": Role.GENERAL_USER,
    "outside": Role.EXTERNAL_AUDITOR,
    "group-owner": Role.GENERAL_USER,
    "group-member": Role.GENERAL_USER,
    "outside-in-group": Role.EXTERNAL_AUDITOR,
    "target": Role.GENERAL_USER,
    "newcomer": Role.GENERAL_USER,
    "stranger": Role.GENERAL_USER,
    "outside-stranger": Role.EXTERNAL_AUDITOR,
}
ON_THE_SET = {
    "co-owner": SetRole.CO_OWNER,
    "member": SetRole.MEMBER,
    "reviewer": SetRole.REVIEWER,
    "outside": SetRole.REVIEWER,
    "target": SetRole.MEMBER,
}
IN_THE_GROUP = {
    "group-owner": "OWNER",
    "group-member": "MEMBER",
    "outside-in-group": "MEMBER",
    "co-owner": "MEMBER",
    "target": "MEMBER",
}
TABLES = (
    "audit.audit_set",
    "audit.audit_group",
    "audit.audit_set_collaborators",
    "audit.collaborators_by_audit_set",
    "audit.audit_set_item",
    "audit.sets_of_item",
    "audit.audit_grp_audit_set_mapping",
    "audit.audit_groups_by_set",
    "audit.audit_group_members",
    "identity.user",
    "identity.user_audit_group",
    "event.auditor_logs",
)
_numbers = itertools.count(1)


def email(name: str) -> str:
    return f"{name}@example.org"


def new_user(stage: Stage, name: str, status: str = "ACTIVE") -> str:
    stage.put(
        "identity.user",
        user_email=email(name),
        user_id=f"id of {email(name)}",
        name=name,
        password_hash="",
        user_type="PERSON",
        status=status,
        language="en",
        org_id="",
        failed_logins=0,
        locked_until=0,
        created_at=1,
        updated_at=1,
    )
    return email(name)


def new_item(stage: Stage, item_id: str = "", **values: Any) -> str:
    item_id = item_id or f"item-{next(_numbers):05}"
    plain = {
        "item_type": "FILE",
        "name": f"{item_id}.txt",
        "parent_id": "",
        "sha1_hash": "ab" * 20,
        "size": 10,
        "owner_id": "7",
        "owner_email": "someone@example.org",
        "version_id": "v1",
        "deleted": False,
        "created_at": 1,
        "modified_at": 1,
    }
    stage.put("item.item", item_id=item_id, **(plain | values))
    return item_id


def new_event(stage: Stage, item_id: str, number: int, **values: Any) -> str:
    event_id = f"{number:013d}-e"
    plain = {"event_type": "ITEM_DOWNLOAD", "user_id": "8", "user_email": "eve@example.org"}
    stage.put(
        "event.item_events",
        item_id=item_id,
        event_id=event_id,
        created_at=number,
        **(plain | values),
    )
    return event_id


def everything(stage: Stage) -> dict[str, list[dict[str, Any]]]:
    return {name: sorted(stage.rows(name), key=repr) for name in TABLES}


def wrong(stage: Stage) -> list[str]:
    """What the check of the tables finds."""

    async def found() -> list[str]:
        return [text async for text in findings(stage.manager)]

    result: list[str] = stage.run(found())
    return result


@dataclass(frozen=True)
class Scene:
    """A set with an item, linked to a group; another group of the same people that is not."""

    audit_set: str
    group: str
    unlinked: str
    item: str


class World:
    """Everybody on one stage, and scenes as many as are wanted."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        for name in PEOPLE:
            new_user(stage, name)
        self.items = [new_item(stage), new_item(stage)]

    def caller(self, name: str) -> Caller:
        return Caller(
            Kind.PERSON,
            email=email(name),
            user_id=f"id of {email(name)}",
            roles=frozenset({PEOPLE.get(name, Role.GENERAL_USER)}),
        )

    def calls(self, name: str) -> Calls:
        if name == "nobody":
            return self.stage.as_nobody()
        if name == "service":
            return self.stage.as_service()
        return self.stage.as_caller(self.caller(name))

    def scene(self, owner: str = "owner", *, alone: bool = False) -> Scene:
        """A new one. ``alone``: nobody but the owner of set and groups is in it."""
        number = next(_numbers)
        scene = Scene(f"set-{number}", f"group-{number}", f"unlinked-{number}", self.items[0])
        self.stage.run(self.stage.manager.run(self._make, scene, owner, alone))
        return scene

    async def _make(self, tx: AsyncTransaction, scene: Scene, owner: str, alone: bool) -> None:
        caller, leader = self.caller(owner), self.caller(owner if alone else "group-owner")
        words = sets.Words("a name", "words")
        await sets.create(tx, caller, scene.audit_set, words, 1)
        if not alone:
            wanted = {email(name): role for name, role in ON_THE_SET.items()}
            await collaborators.add(tx, caller, scene.audit_set, wanted, 1)
        of_sets = items.SetItems(self.stage.keys)
        await of_sets.add(tx, caller, scene.audit_set, [scene.item], 1)
        for group in (scene.group, scene.unlinked):
            await groups.create(tx, leader, group, words, 1)
            for name, privilege in () if alone else IN_THE_GROUP.items():
                member = GroupMember(group, email(name), privilege, 1)
                await groups.add_member(tx, leader, member)
        await groups.link(tx, self.caller("admin"), scene.group, scene.audit_set, 1)

    def deleting(self, scene: Scene) -> Scene:
        """The same, its set and groups begun to be deleted."""

        async def begin(tx: AsyncTransaction) -> None:
            admin = self.caller("admin")
            assert not await sets.delete_step(tx, admin, scene.audit_set, 2)
            for group in (scene.group, scene.unlinked):
                assert not await groups.delete_step(tx, admin, group, 2)

        self.stage.run(self.stage.manager.run(begin))
        return scene


def all_of(calls: Calls, method: str, field: str, size: int, **asked: Any) -> list[Any]:
    """What a list gives, page by page."""
    found: list[Any] = []
    token, pages = "", 0
    while True:
        page = {"page_size": size, "page_token": token}
        answer = getattr(calls, method)(page=page, **asked)
        rows: Sequence[Any] = getattr(answer, field)
        assert len(rows) <= size
        found += rows
        token, pages = answer.next_page_token, pages + 1
        assert pages < 1000
        if not token:
            return found
