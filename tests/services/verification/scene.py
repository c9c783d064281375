"""Items, sets and people as the other services would have written them, for tests of this one."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any

from scalar_auditor.permissions import Role, SetRole
from scalar_auditor.verification.registering import Registration, register

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scalar_tx.transaction_async import AsyncTransaction
    from tests.services.stage import Calls, Stage

OWNER_OF_ITEMS = "owner-of-items@example.org"
_numbers = itertools.count(1)


def sha1(text: str) -> str:
    """The digest of a file that holds that text."""
    return hashlib.sha1(text.encode()).hexdigest()


def new_item(stage: Stage, item_id: str = "", **values: Any) -> str:
    """An item that nobody monitors yet."""
    item_id = item_id or f"item-{next(_numbers)}"
    stage.put("item.item", **(_item(item_id) | values))
    return item_id


def _item(item_id: str) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "item_type": "file",
        "name": f"{item_id}.txt",
        "parent_id": "",
        "sha1_hash": sha1(f"{item_id} 1"),
        "size": 10,
        "owner_id": "7",
        "owner_email": OWNER_OF_ITEMS,
        "version_id": "v1",
        "deleted": False,
        "created_at": 1,
        "modified_at": 1,
    }


def monitored(stage: Stage, versions: int = 1, item_id: str = "") -> str:
    """An item of which so many versions are registered: v1, v2, …"""
    item_id = new_item(stage, item_id)
    for number in range(1, versions + 1):
        stage.as_service().RegisterItem(
            item_id=item_id, sha1_hash=sha1(f"{item_id} {number}"), version_id=f"v{number}"
        )
    return item_id


def new_set(
    stage: Stage,
    roles: Mapping[str, SetRole] | None = None,
    items: Iterable[str] = (),
    *,
    status: str = "ACTIVE",
) -> str:
    """An audit set with those people and items."""
    audit_set_id = f"set-{next(_numbers)}"
    stage.put(
        "audit.audit_set",
        audit_set_id=audit_set_id,
        name="n",
        description="",
        owner_user_id="1",
        owner_email="o@example.org",
        status=status,
        created_at=1,
        updated_at=1,
    )
    for email, role in (roles or {}).items():
        stage.put(
            "audit.audit_set_collaborators",
            user_email=email,
            audit_set_id=audit_set_id,
            user_id="1",
            role=role.value,
            added_by="o@example.org",
            added_at=1,
        )
    for item_id in items:
        add_item(stage, audit_set_id, item_id)
    return audit_set_id


def add_item(stage: Stage, audit_set_id: str, item_id: str) -> None:
    stage.put("audit.audit_set_item", **_item_of_set(audit_set_id, item_id))


def _item_of_set(audit_set_id: str, item_id: str) -> dict[str, Any]:
    return {
        "audit_set_id": audit_set_id,
        "item_id": item_id,
        "item_type": "file",
        "item_name": "n",
        "parent_id": "0",
        "sha1_hash": "",
        "monitoring_status": "",
        "added_by": "o@example.org",
        "added_at": 1,
    }


def add_many_monitored(stage: Stage, audit_set_id: str, item_ids: Sequence[str]) -> None:
    """New items of one version in a set; without calls, and many in each transaction."""

    async def write(tx: AsyncTransaction, some: Sequence[str]) -> None:
        for item_id in some:
            await tx.upsert("item.item", _item(item_id))
            first = Registration(item_id, sha1(f"{item_id} 1"), "v1", "", "importer", 1)
            await register(tx, stage.keys, first)
            await tx.upsert("audit.audit_set_item", _item_of_set(audit_set_id, item_id))

    for at in range(0, len(item_ids), 100):
        stage.run(stage.manager.run(write, item_ids[at : at + 100]))


def link_group(stage: Stage, audit_set_id: str, members: Mapping[str, str]) -> None:
    """Link a new group with those members, by privilege, to a set."""
    group_id = f"group-{next(_numbers)}"
    stage.put(
        "audit.audit_groups_by_set", audit_set_id=audit_set_id, audit_group_id=group_id, linked_at=1
    )
    for email, privilege in members.items():
        stage.put(
            "audit.audit_group_members",
            audit_group_id=group_id,
            user_email=email,
            privilege=privilege,
            added_at=1,
        )


def admin(stage: Stage) -> Calls:
    return stage.as_person("admin@example.org", Role.AUDIT_ADMIN)


def auditor(stage: Stage, email: str = "outside@example.org") -> Calls:
    return stage.as_person(email, Role.EXTERNAL_AUDITOR)


def reasons(verdict: Any) -> set[str]:
    return {finding.reason for finding in verdict.findings}


def everything(stage: Stage) -> dict[str, list[dict[str, Any]]]:
    """All that lies in the tables that calls of this service can reach."""
    tables = (
        "verification.item_status",
        "verification.items_by_sha1",
        "verification.asset_history",
        "event.auditor_logs",
        "item.item",
        "audit.audit_set",
        "audit.audit_set_item",
        "audit.audit_set_collaborators",
    )
    return {name: sorted(stage.rows(name), key=repr) for name in tables}
