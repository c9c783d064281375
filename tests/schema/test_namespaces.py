"""Do the five namespaces hold the tables they must, and does the loader make and remove them?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import scalar_schema
import scalar_tx
from scalar_schema import Mode, make_plan, read_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import TransactionManager
    from scalar_tx.model.types import Value

FOLDER = Path(__file__).resolve().parents[2] / "namespaces"
FILES = sorted(FOLDER.glob("*.json"))

# namespace.table | partition key | clustering key | other columns; TEXT unless it is said
TABLES = """
audit.audit_set | audit_set_id | | name, description, owner_user_id, owner_email, status, created_at, updated_at
audit.audit_group | audit_group_id | | name, description, owner_user_id, owner_email, created_at, updated_at
audit.audit_set_collaborators | user_email | audit_set_id | user_id, role, added_by, added_at
audit.collaborators_by_audit_set | audit_set_id | user_email | user_id, role, added_at
audit.audit_set_item | audit_set_id | item_id | item_type, item_name, parent_id, sha1_hash, monitoring_status, added_by, added_at
audit.sets_of_item | item_id | audit_set_id | added_at
audit.audit_grp_audit_set_mapping | audit_group_id | audit_set_id | linked_by, linked_at
audit.audit_groups_by_set | audit_set_id | audit_group_id | linked_at
audit.audit_group_members | audit_group_id | user_email | privilege, added_at
verification.item_status | item_id | | tampering_status, version_id, last_sha1_hash, asset_version BIGINT, head_digest, key_id, row_mac, registered_at, last_verified_at
verification.items_by_sha1 | sha1_hash | item_id | item_name, version_id, created_at
verification.asset_history | item_id | asset_version BIGINT DESC | sha1_hash, version_id, recorded_by, recorded_at, key_id, previous_digest, digest
event.events | yyyy_mm_dd, shard INT | event_id DESC | event_type, item_id, item_type, item_name, user_id, user_email, source_id, additional_details, created_at
event.item_events | item_id | event_id DESC | event_type, user_id, user_email, created_at
event.auditor_logs | audit_set_id | log_id DESC | action_type, item_id, user_id, user_email, created_at
event.position_tracker | user_id | | stream_position, last_event_id, updated_at
item.item | item_id | | item_type, name, parent_id, sha1_hash, size BIGINT, owner_id, owner_email, version_id, deleted BOOLEAN, created_at, modified_at
item.item_children | parent_id | item_id | item_type, name, deleted BOOLEAN
identity.user | user_email | | user_id, name, password_hash, user_type, status, language, org_id, failed_logins INT, locked_until, created_at, updated_at
identity.users_by_org | org_id | user_email | user_id, name, status
identity.role_user | role_name | user_email | user_id, assigned_by, assigned_at
identity.user_token | user_email | token_id | token_hash, token_type, family_id, parent_token_id, used_at, expires_at, created_at
identity.user_otp | user_email | otp_type | otp_hash, key_id, attempts INT, sent_count INT, expires_at, created_at
identity.user_audit_group | user_email | audit_group_id | privilege, added_at
identity.organization | org_id | | enterprise_id, name, admin_email, active BOOLEAN, created_at, updated_at
"""  # noqa: E501  # a table is read across


def expected() -> dict[str, tuple[dict[str, str], list[str], list[str]]]:
    """Table -> column types, partition key, clustering key with its orders."""
    tables = {}
    for line in TABLES.strip().splitlines():
        name, *parts = (part.strip() for part in line.split("|"))
        words = [[one.split() for one in part.split(", ") if one] for part in parts]
        columns = {
            column: next(iter({*rest} - {"DESC"}), None)
            or ("BIGINT" if column.endswith("_at") or column == "locked_until" else "TEXT")
            for part in words
            for column, *rest in part
        }
        partition, clustering, _ = words
        orders = [f"{c} {'DESC' if 'DESC' in rest else 'ASC'}" for c, *rest in clustering]
        tables[name] = (columns, [column for column, *_ in partition], orders)
    return tables


@pytest.fixture(params=["memory", "sqlite"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TransactionManager]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/n.db"
    with scalar_tx.connect(target) as manager:
        yield manager


def test_tables_columns_and_keys() -> None:
    found = {
        one.name: (
            {name: kind.value for name, kind in one.schema.columns.items()},
            list(one.schema.partition_key),
            [f"{name} {order.value}" for name, order in one.schema.clustering_orders.items()],
        )
        for one in read_files(FILES)
    }
    assert found == expected()


def test_tables_are_transactional_without_indexes_and_in_the_file_of_their_namespace() -> None:
    for one in read_files(FILES):
        assert one.transaction
        assert list(one.schema.secondary_index) == []
        assert Path(one.place.file).stem == one.namespace
        assert one.remarks == ()


def test_the_readme_names_every_table_once() -> None:
    text = (FOLDER / "README.md").read_text()
    named = []
    for part in text.split("\n## ")[1:]:
        namespace = part.partition(":")[0]
        rows = re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)
        named += [f"{namespace}.{name}" for name in rows]
    assert sorted(named) == sorted(expected())


def test_all_are_made_once_and_removed(db: TransactionManager) -> None:
    before = db.admin.namespaces()
    made = scalar_schema.load(db, FILES, coordinator=True)
    assert len(made.done) == 25 + 5 + 1
    for name, (columns, partition_key, _) in expected().items():
        schema = db.admin.table(name)
        assert {n: t.value for n, t in schema.columns.items()} == columns
        assert list(schema.partition_key) == partition_key

    plan = make_plan(db, read_files(FILES), coordinator=True)
    assert plan.pending == ()
    assert plan.warnings == ()
    assert len(plan.steps) == 25 + 1
    assert scalar_schema.load(db, FILES, coordinator=True).done == ()

    gone = scalar_schema.load(db, FILES, Mode.DELETE, coordinator=True)
    assert len(gone.done) == 25 + 5 + 1
    # The namespace of SQLite's metadata is listed although no table of ours is in it.
    assert set(db.admin.namespaces()) - {"scalardb"} == set(before) - {"scalardb"}
    assert [name for name in expected() if db.admin.stored_table(name) is not None] == []
    assert not db.admin.coordinator_tables_exist()
    assert make_plan(db, read_files(FILES), Mode.DELETE, coordinator=True).pending == ()


def test_records_go_in_and_out(db: TransactionManager) -> None:
    scalar_schema.load(db, FILES)
    bucket: dict[str, Value] = {"yyyy_mm_dd": "2025-01-31", "shard": 7}
    with db.transaction() as tx:
        for number in (8, 9):
            tx.insert("event.events", {**bucket, "event_id": f"1738281600000-{number}"})
        tx.insert("item.item", {"item_id": "9", "size": 2**40, "deleted": False})
    newest_first = [one["event_id"] for one in db.scan("event.events", bucket)]
    assert newest_first == ["1738281600000-9", "1738281600000-8"]
    record = db.get("item.item", {"item_id": "9"})
    assert record is not None
    assert record["size"] == 2**40
