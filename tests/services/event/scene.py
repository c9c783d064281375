"""Files, sets and people as all five services would have written them, for items and events."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from scalar_auditor.permissions import Role, SetRole
from tests.services.stage import NAMESPACES, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.services.stage import Calls, Stage

NOW = 1_790_000_000_000  # the time on stages whose clock stands still: 2026-09-21
TODAY = "2026-09-21"
YESTERDAY = "2026-09-20"
DAY_MS = 24 * 3600 * 1000
OWNER_OF_ITEMS = "owner-of-items@example.org"
TABLES = [
    table for file in sorted(NAMESPACES.glob("*.json")) for table in json.loads(file.read_text())
]
_numbers = itertools.count(1)


def item(item_id: str, parent_id: str = "", **more: Any) -> dict[str, Any]:
    """A message of a file."""
    plain: dict[str, Any] = {
        "item_type": "FILE",
        "name": f"{item_id}.txt",
        "owner_email": OWNER_OF_ITEMS,
        "modified_at": NOW,
    }
    return {"item_id": item_id, "parent_id": parent_id, **plain, **more}


def folder(item_id: str, parent_id: str = "", **more: Any) -> dict[str, Any]:
    """A message of a folder."""
    return item(item_id, parent_id, **{"item_type": "FOLDER", "name": item_id, **more})


def event(source_id: str, item_id: str = "", created_at: int = NOW, **more: Any) -> dict[str, Any]:
    """A message of an event; what it tells of its item is not more than there is given."""
    plain = {"event_type": "EDIT", "user_id": "u1", "user_email": "ada@example.org"}
    of = {"source_id": source_id, "item_id": item_id, "created_at": created_at}
    return {**of, **plain, **more}


def id_of(one: Mapping[str, Any]) -> str:
    return f"{one['created_at']:013d}-{one['source_id']}"


def ingest(stage: Stage, events: Iterable[Mapping[str, Any]], user_id: str = "stream") -> Any:
    """Take in events behind what the stream has."""
    service = stage.as_service()
    position = service.GetPosition(user_id=user_id).stream_position
    return service.IngestEvents(
        user_id=user_id,
        from_position=position,
        to_position=str(int(position or 0) + 1),
        events=events,
    )


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
    stage.put(
        "audit.audit_set_item",
        audit_set_id=audit_set_id,
        item_id=item_id,
        item_type="FILE",
        item_name="n",
        parent_id="",
        sha1_hash="",
        monitoring_status="",
        added_by="o@example.org",
        added_at=1,
    )


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


def everything(stage: Stage) -> dict[str, list[dict[str, Any]]]:
    """All that lies in all tables of the services."""
    return {name: sorted(stage.rows(name), key=repr) for name in TABLES}


def refused(call: Any, **fields: Any) -> Refused:
    """What a call is refused with; AssertionError: it was not."""
    try:
        found = call(**fields)
        if not hasattr(found, "DESCRIPTOR"):
            list(found)
    except Refused as error:
        return error
    raise AssertionError(f"{found} was answered")


def findings(stage: Stage, of: Any) -> list[str]:
    """What the invariants of a service find."""

    async def collected() -> list[str]:
        return [text async for text in of.findings(stage.manager)]

    found: list[str] = stage.run(collected())
    return found
