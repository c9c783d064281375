"""Do the services' tables hold what their clients were told, and what the services promise?

Services specification 4, when everybody has gone: ``check`` finds nothing; of each stream the
batches up to its position are there, each event once; each view that an auditor was answered is
logged; no row names whoever has left; each call that was acknowledged has had its effect.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from scalar_auditor.check import check
from scalar_auditor.event.rules import day_of, shard_of, time_ordered_id
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.model.isolation import Isolation
from scalar_tx.settings import load
from tests.chaos.services_streams import batch

if TYPE_CHECKING:
    from scalar_auditor.keys import KeyRing
    from scalar_tx.transaction_async import AsyncTransaction
    from tests.chaos.services_told import Key, Told

Rows = list[dict[str, Any]]

# All tables with a row that names a person who is there, and the column that names.
_NAMING = {
    "identity.user": "user_email",
    "identity.users_by_org": "user_email",
    "identity.role_user": "user_email",
    "identity.user_token": "user_email",
    "identity.user_otp": "user_email",
    "identity.user_audit_group": "user_email",
    "identity.organization": "admin_email",
    "audit.audit_set_collaborators": "user_email",
    "audit.collaborators_by_audit_set": "user_email",
    "audit.audit_group_members": "user_email",
}
_READ = {
    *_NAMING,
    "audit.audit_set",
    "audit.audit_group",
    "audit.audit_set_item",
    "audit.audit_groups_by_set",
    "event.events",
    "event.item_events",
    "event.auditor_logs",
    "event.position_tracker",
    "item.item",
    "verification.item_status",
}


def judged(target: str, keys: KeyRing, told: Told) -> list[str]:
    """What is wrong, one text each; nobody may be at work any more."""
    found, tables = asyncio.run(_looked(target, keys))
    return [
        *found,
        *told.odd,
        *wrong_events(told, tables),
        *wrong_views(told, tables),
        *still_named(told, tables),
        *wrong_effects(told, tables),
    ]


async def _looked(target: str, keys: KeyRing) -> tuple[list[str], dict[str, Rows]]:
    manager = AsyncTransactionManager(load(target), open_async)
    try:
        report = await check(manager, keys)
        found = [f"{name}: {text}" for name, one in report.items() for text in one.texts]
        tables = {name: await _whole(manager, name) for name in sorted(_READ)}
    finally:
        await manager.close()
    return found, tables


async def _whole(manager: AsyncTransactionManager, name: str) -> Rows:
    """A table, at SNAPSHOT: of Cassandra whole tables are not read otherwise."""

    async def work(tx: AsyncTransaction) -> Rows:
        return [dict(row) for row in await tx.scan(name, whole_table=True)]

    return await manager.run(work, isolation=Isolation.SNAPSHOT, read_only=True)


def wrong_events(told: Told, tables: dict[str, Rows]) -> list[str]:
    """Events that are lost, doubled or of nobody; and positions that are of no batch."""
    wrong = []
    positions = {
        row["user_id"]: int(row["stream_position"]) for row in tables["event.position_tracker"]
    }
    events: Counter[Key] = Counter()
    of_items: Counter[Key] = Counter()
    for stream, numbers in told.sent.items():
        reached = positions.pop(stream, 0)
        if reached > max(numbers) + 1:
            wrong.append(f"stream {stream} is at {reached}, and was sent until {max(numbers) + 1}")
        lost = sorted(one for one in told.kept.get(stream, ()) if one >= reached)
        if lost:
            wrong.append(f"stream {stream} is at {reached}, and {lost} were acknowledged")
        for number in range(reached):
            for event in batch(stream, number):
                event_id = time_ordered_id(event.created_at, event.source_id)
                day, shard = day_of(event.created_at), str(shard_of(event_id))
                events[day, shard, event_id, event.item_id, event.event_type] += 1
                if event.item_id:
                    of_items[event.item_id, event_id, event.event_type] += 1
    wrong += [f"position of nobody's stream: {stream}" for stream in positions]
    there: Counter[Key] = Counter(
        (row["yyyy_mm_dd"], str(row["shard"]), row["event_id"], row["item_id"], row["event_type"])
        for row in tables["event.events"]
    )
    listed: Counter[Key] = Counter(
        (row["item_id"], row["event_id"], row["event_type"]) for row in tables["event.item_events"]
    )
    for name, wanted, real in (("events", events, there), ("item_events", of_items, listed)):
        wrong += [f"{name}: lost {key}" for key in wanted - real]
        wrong += [f"{name}: too many of {key}" for key in real - wanted]
    return wrong


def wrong_views(told: Told, tables: dict[str, Rows]) -> list[str]:
    """Views that were answered and are not in the auditors' log."""
    logged: Counter[Key] = Counter(
        (row["audit_set_id"], row["action_type"], row["item_id"], row["user_email"])
        for row in tables["event.auditor_logs"]
    )
    return [
        f"{key}: {count} views answered, {logged[key]} logged"
        for key, count in told.views.items()
        if count > logged[key]
    ]


def still_named(told: Told, tables: dict[str, Rows]) -> list[str]:
    """Rows that name somebody whose deletion was finished."""
    return [
        f"{table} still names {row[column]}, who has left"
        for table, column in _NAMING.items()
        for row in tables[table]
        if row[column] in told.left
    ]


def wrong_effects(told: Told, tables: dict[str, Rows]) -> list[str]:
    """What is otherwise than the clients' account allows."""
    real = effects(tables)
    return [
        f"{key} is {real.get(key)!r}, and may be {sorted(map(str, values))}"
        for key, values in told.allowed().items()
        if real.get(key) not in values
    ]


def effects(tables: dict[str, Rows]) -> dict[Key, Any]:
    """The tables in the words of the clients' account."""
    real: dict[Key, Any] = {}
    for row in tables["audit.audit_set"]:
        real["set", row["audit_set_id"]] = row["owner_email"]
    for row in tables["audit.audit_group"]:
        real["group", row["audit_group_id"]] = row["owner_email"]
    for row in tables["audit.collaborators_by_audit_set"]:
        real["collaborator", row["audit_set_id"], row["user_email"]] = row["role"]
    for row in tables["audit.audit_set_item"]:
        real["item", row["audit_set_id"], row["item_id"]] = row["item_id"]
    for row in tables["audit.audit_group_members"]:
        real["member", row["audit_group_id"], row["user_email"]] = row["privilege"]
    for row in tables["audit.audit_groups_by_set"]:
        real["link", row["audit_group_id"], row["audit_set_id"]] = row["audit_group_id"]
    for row in tables["item.item"]:
        real["name", row["item_id"]] = row["name"]
    for row in tables["verification.item_status"]:
        real["digest", row["item_id"]] = row["last_sha1_hash"]
    for row in tables["identity.user"]:
        real["user", row["user_email"]] = row["user_email"]
    return real
