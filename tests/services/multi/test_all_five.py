"""Do all five services do their work with events on DynamoDB and all else on Cassandra?

One story over real servers, from the first account to the last check; each part rests on those
before it.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.client import AuditorClient, AuditorError
from scalar_auditor.rpc.v1 import audit_pb2, event_pb2, item_pb2
from scalar_tx.model.state import TransactionState
from tests.servers.plain_clients import cassandra_session
from tests.services.multi.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Cluster

ADMIN = "root@both.example"
OWNER = "owner@both.example"
REVIEWER = "reviewer@both.example"
OUTSIDE = "outside@both.example"
LEAVING = "leaving@both.example"
STREAM = "both-1"
ORGANIZATION = "both"
FOLDER = "both-folder"
FILES = tuple(f"both-file-{number:02}" for number in range(20))
IN_THE_SET = FILES[:12]
ALTERED = IN_THE_SET[3]
OF_A_BATCH = len(FILES)
BEGAN = int(time.time() * 1000) - 3_600_000  # an hour ago


def sha1(item_id: str) -> str:
    return f"{FILES.index(item_id):040x}"


def batch(number: int) -> list[event_pb2.Event]:
    """An event of each file; the first batch tells what they are."""
    return [event(number, item_id, 1000 * OF_A_BATCH * number) for item_id in FILES]


def event(number: int, item_id: str, milliseconds: int) -> event_pb2.Event:
    created_at = BEGAN + milliseconds + 1000 * FILES.index(item_id)
    told = item_pb2.Item(
        item_id=item_id,
        item_type="FILE",
        name=f"{item_id}, version {number}.pdf",
        parent_id=FOLDER,
        owner_email=OWNER,
        sha1_hash=sha1(item_id),
        modified_at=created_at,
    )
    return event_pb2.Event(
        source_id=f"{STREAM}-{number}-{item_id}",
        event_type="EDIT" if number else "UPLOAD",
        item_id=item_id,
        item_type="FILE",
        user_email=OWNER,
        created_at=created_at,
        item=told,
    )


def ids(events: list[event_pb2.Event]) -> list[str]:
    return [f"{one.created_at:013d}-{one.source_id}" for one in events]


@pytest.fixture(scope="module")
def scene(both: Path) -> Iterator[Scene]:
    with Scene(both, ADMIN) as found:
        yield found


def refusal(call: Any, **asked: Any) -> AuditorError:
    with pytest.raises(AuditorError) as refused:
        call(**asked)
    return refused.value


class Story:
    """What happens, in order."""

    def __init__(self, scene: Scene, cassandra: Cluster) -> None:
        self.scene = scene
        self.node = cassandra.nodes[0]
        self.owner: AuditorClient
        self.reviewer: AuditorClient
        self.outside: AuditorClient
        self.importer: AuditorClient
        self.set = ""
        self.group = ""

    def people_come(self) -> None:
        admin = self.scene.admin.identity
        admin.create_organization(org_id=ORGANIZATION, name="Both")
        self.owner = self.scene.register(OWNER, "GENERAL_USER", org_id=ORGANIZATION)
        self.reviewer = self.scene.register(REVIEWER, "GENERAL_USER", org_id=ORGANIZATION)
        self.outside = self.scene.register(OUTSIDE, "EXTERNAL_AUDITOR")
        self.scene.register(LEAVING, "GENERAL_USER", org_id=ORGANIZATION)
        listed = [one.user_email for one in admin.list_users(org_id=ORGANIZATION)]
        assert listed == sorted([OWNER, REVIEWER, LEAVING])
        issued = admin.create_service_token(name="importer")
        self.importer = self.scene.client(token=issued.token)

    def events_come_in(self) -> None:
        """Each once, from position to position."""
        self.importer.item.upsert_item(
            item_pb2.Item(item_id=FOLDER, item_type="FOLDER", name="Both", modified_at=BEGAN)
        )
        send = self.importer.event.ingest_events
        for number in range(2):
            asked: dict[str, Any] = {
                "user_id": STREAM,
                "from_position": str(number) if number else "",
                "to_position": str(number + 1),
                "events": batch(number),
            }
            assert not send(**asked).repeated_batch
            assert send(**asked).repeated_batch
        wrong = refusal(send, user_id=STREAM, from_position="7", to_position="8", events=batch(2))
        assert (wrong.code, wrong.reason) == ("FAILED_PRECONDITION", "POSITION_MISMATCH")
        resumed = wrong.metadata["stored_position"]
        assert resumed == self.importer.event.get_position(user_id=STREAM).stream_position == "2"
        send(user_id=STREAM, from_position=resumed, to_position="3", events=batch(2))
        kept = Counter(row["source_id"] for row in self.scene.stage.rows("event.events"))
        assert {kept[one.source_id] for number in range(3) for one in batch(number)} == {1}

    def a_set_is_made(self) -> None:
        for item_id in FILES:
            self.importer.verification.register_item(
                item_id=item_id, sha1_hash=sha1(item_id), version_id="1"
            )
        audit = self.owner.audit
        self.set = audit.create_audit_set(name="Both").audit_set_id
        audit.add_items(audit_set_id=self.set, item_ids=IN_THE_SET)
        given = [
            audit_pb2.NewCollaborator(user_email=email, role=role)
            for email, role in ((OUTSIDE, "REVIEWER"), (LEAVING, "MEMBER"))
        ]
        audit.add_collaborators(audit_set_id=self.set, collaborators=given)
        self.group = audit.create_audit_group(name="Both").audit_group_id
        for email in (REVIEWER, LEAVING):
            audit.add_group_member(audit_group_id=self.group, user_email=email, privilege="MEMBER")
        audit.link_audit_set(audit_group_id=self.group, audit_set_id=self.set)
        [reached] = self.reviewer.audit.list_my_audit_sets()
        assert reached.audit_set_id == self.set
        shown = {
            one.item_id: one.item_name
            for one in self.reviewer.audit.list_items(audit_set_id=self.set)
        }
        assert shown == {item_id: f"{item_id}, version 2.pdf" for item_id in IN_THE_SET}

    def events_are_found(self) -> None:
        every = [one for number in (2, 1, 0) for one in reversed(batch(number))]
        first, last = every[-1].created_at, every[0].created_at
        days = {
            "from_day": time.strftime("%Y-%m-%d", time.gmtime(first / 1000)),
            "to_day": time.strftime("%Y-%m-%d", time.gmtime(last / 1000)),
        }
        wanted = ids(every)
        found = [
            one.event_id
            for one in self.scene.admin.event.query_events(**days, page_size=7)
            if one.source_id.startswith(STREAM)
        ]
        assert found == wanted
        of_set = self.reviewer.event.query_events(**days, audit_set_id=self.set, page_size=7)
        assert [one.event_id for one in of_set] == ids(
            [one for one in every if one.item_id in IN_THE_SET]
        )
        listed = self.reviewer.event.list_item_events(item_id=FILES[0], audit_set_id=self.set)
        assert [one.event_id for one in listed] == ids(
            [one for one in every if one.item_id == FILES[0]]
        )
        hidden = refusal(
            lambda **asked: list(self.reviewer.event.list_item_events(**asked)),
            item_id=FILES[-1],
            audit_set_id=self.set,
        )
        assert hidden.code == "NOT_FOUND"
        self._watched_behind(ids(batch(1))[-1], ids(batch(2)))

    def _watched_behind(self, after: str, wanted: list[str]) -> None:
        stream = self.scene.admin.event.watch(after_event_id=after)
        seen = {one.event_id for one in itertools.islice(stream, len(wanted))}
        assert seen == set(wanted)

    def an_outside_auditor_looks(self) -> None:
        """The look and its row in the log are one transaction, in two databases."""
        found = self.outside.item.get_item(item_id=FILES[1], audit_set_id=self.set)
        assert found.item.parent_id == FOLDER
        verdict = self.outside.verification.verify_item(
            item_id=FILES[1], audit_set_id=self.set, sha1_hash=sha1(FILES[1])
        )
        assert verdict.tampering_status == "NOT_TAMPERED"
        views = list(self.owner.audit.list_auditor_logs(audit_set_id=self.set))
        assert [(one.action_type, one.item_id, one.user_email) for one in views] == [
            ("VerifyItem", FILES[1], OUTSIDE),
            ("GetItem", FILES[1], OUTSIDE),
        ]
        on_dynamodb = self.scene.stored("event.auditor_logs", self.set, views[0].log_id)
        on_cassandra = self.scene.stored("verification.item_status", FILES[1])
        assert on_dynamodb["tx_id"] == on_cassandra["tx_id"]
        decided = self.scene.stage.run(self.scene.stage.manager.state(on_cassandra["tx_id"]))
        assert decided is TransactionState.COMMITTED

    def somebody_alters_a_row_in_cassandra(self) -> None:
        verify = self.reviewer.verification
        where: dict[str, Any] = {"item_id": ALTERED, "audit_set_id": self.set}
        text = (
            "UPDATE verification.asset_history SET sha1_hash = %s "
            "WHERE item_id = %s AND asset_version = 1"
        )
        with cassandra_session(self.node.host, self.node.port) as session:
            session.execute(text, ("f" * 40, ALTERED))
            verdict = verify.verify_item(**where)
            assert verdict.tampering_status == "TAMPERED"
            assert [one.reason for one in verdict.findings] == ["HEAD_DIFFERS", "DIGEST"]
            *_, last = self.owner.verification.verify_audit_set(audit_set_id=self.set)
            assert (last.finished, last.verified, last.tampered) == (True, len(IN_THE_SET), 1)
            wrong = self.scene.findings()
            assert list(wrong) == ["verification"]
            assert any(ALTERED in one for one in wrong["verification"])
            session.execute(text, (sha1(ALTERED), ALTERED))
        held = verify.verify_item(**where)
        assert [one.reason for one in held.findings] == ["EARLIER_VERDICT"]
        assert (
            verify.verify_item(**where, sha1_hash=sha1(ALTERED)).tampering_status == "NOT_TAMPERED"
        )

    def a_report_is_made(self) -> None:
        chunks = self.owner.audit.export_report(
            audit_set_id=self.set, report_format=audit_pb2.REPORT_FORMAT_JSON
        )
        lines = b"".join(one.data for one in chunks).splitlines()
        records = Counter(json.loads(line)["record"] for line in lines)
        assert records == {
            "SET": 1,
            "ITEM": len(IN_THE_SET),
            "EVENT": 3 * len(IN_THE_SET),
            "VIEW": 2,
        }

    def somebody_leaves(self) -> None:
        self.scene.admin.identity.delete_user(user_email=LEAVING)
        for table in (
            "identity.user",
            "identity.users_by_org",
            "identity.role_user",
            "identity.user_token",
            "identity.user_audit_group",
            "audit.audit_set_collaborators",
            "audit.collaborators_by_audit_set",
            "audit.audit_group_members",
        ):
            assert LEAVING not in {row["user_email"] for row in self.scene.stage.rows(table)}, table
        gone = refusal(self.scene.admin.identity.get_user, user_email=LEAVING)
        assert gone.code == "NOT_FOUND"


def test_from_the_first_account_to_the_last_check(scene: Scene, cassandra_server: Cluster) -> None:
    story = Story(scene, cassandra_server)
    story.people_come()
    story.events_come_in()
    story.a_set_is_made()
    story.events_are_found()
    story.an_outside_auditor_looks()
    story.somebody_alters_a_row_in_cassandra()
    story.a_report_is_made()
    story.somebody_leaves()
    assert scene.findings() == {}
