"""What becomes of BOX's own events, and of a recorded stream that is not whole?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import invariants
from scalar_auditor.event.box import RecordedStream, event_of
from scalar_auditor.event.importer import Importer
from scalar_auditor.event.messages import LONGEST_DETAILS
from scalar_auditor.item import invariants as item_invariants
from scalar_auditor.rpc.v1 import event_pb2
from tests.services.event.scene import NOW, findings
from tests.services.event.test_importer import Service
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADA = {"type": "user", "id": "17738362", "name": "Ada", "login": "Ada@Example.org"}
UPLOAD: dict[str, Any] = {
    "type": "event",
    "event_id": "f82c3ba03e41f7e8a7608363cc6c0390183c3f83",
    "created_by": ADA,
    "created_at": "2012-12-12T10:53:43-08:00",
    "recorded_at": "2012-12-12T10:53:44-08:00",
    "event_type": "ITEM_UPLOAD",
    "session_id": "70090280850c8d2a1933c1",
    "source": {
        "type": "file",
        "id": "11111",
        "etag": "0",
        "name": "plan.pdf",
        "sha1": "134B65991ED521FCFE4724B7D814AB8DED5185DC",
        "size": 629644,
        "file_version": {"type": "file_version", "id": "26261748416"},
        "parent": {"type": "folder", "id": "22222", "name": "Plans"},
        "owned_by": ADA,
        "created_at": "2012-12-12T10:53:43-08:00",
        "modified_at": "2012-12-12T10:53:43-08:00",
        "item_status": "active",
    },
}
FOLDER: dict[str, Any] = {
    **UPLOAD,
    "event_id": "folder-1",
    "event_type": "ITEM_CREATE",
    "created_at": "2012-12-12T10:50:00-08:00",
    "source": {
        "type": "folder",
        "id": "22222",
        "name": "Plans",
        "parent": {"type": "folder", "id": "0", "name": "All Files"},
        "owned_by": ADA,
    },
}
ENTERPRISE: dict[str, Any] = {
    "type": "event",
    "event_id": "b9a2393a-20cf-4307-90f5-004110dec209",
    "created_at": "2012-12-12T20:00:00Z",
    "created_by": ADA,
    "event_type": "DOWNLOAD",
    "ip_address": "192.0.2.1",
    "additional_details": {"size": 7, "service_name": "Box Sync"},
    "source": {
        "item_type": "file",
        "item_id": "11111",
        "item_name": "plan.pdf",
        "parent": {"type": "folder", "name": "Plans", "id": "22222"},
    },
}
LOGIN: dict[str, Any] = {
    "event_id": "login-1",
    "created_at": "2012-12-12T21:00:00+00:00",
    "event_type": "LOGIN",
    "created_by": {"id": "2", "login": "AutomationUser_1"},
    "source": {"type": "user", "id": "17738362", "name": "Ada", "login": "ada@example.org"},
}
AT = 1355338423000  # UPLOAD's created_at


def test_a_file_is_what_its_own_event_says() -> None:
    found = event_of(UPLOAD)
    assert (found.event_type, found.source_id) == ("UPLOAD", UPLOAD["event_id"])
    assert (found.item_id, found.item_type, found.item_name) == ("11111", "FILE", "plan.pdf")
    assert (found.user_id, found.user_email) == ("17738362", "ada@example.org")
    assert found.created_at == AT
    item = found.item
    assert (item.item_id, item.item_type, item.name) == ("11111", "FILE", "plan.pdf")
    assert item.sha1_hash == "134b65991ed521fcfe4724b7d814ab8ded5185dc"
    assert (item.size, item.version_id, item.parent_id) == (629644, "26261748416", "22222")
    assert (item.owner_id, item.owner_email) == ("17738362", "ada@example.org")
    assert (item.created_at, item.modified_at, item.deleted) == (AT, AT, False)


def test_what_lies_in_the_root_folder_is_a_root() -> None:
    found = event_of(FOLDER)
    assert (found.event_type, found.item_type) == ("CREATE", "FOLDER")
    assert found.item.parent_id == ""


@pytest.mark.parametrize(
    "change",
    [{"event_type": "ITEM_TRASH"}, {"source": {**UPLOAD["source"], "item_status": "trashed"}}],
)
def test_what_was_thrown_away_is_deleted(change: dict[str, Any]) -> None:
    assert event_of({**UPLOAD, **change}).item.deleted


def test_an_enterprise_s_log_names_the_item_only() -> None:
    found = event_of(ENTERPRISE)
    assert (found.item_id, found.item_type, found.item_name) == ("11111", "FILE", "plan.pdf")
    assert not found.HasField("item")
    assert json.loads(found.additional_details) == {
        "additional_details": {"size": 7, "service_name": "Box Sync"},
        "ip_address": "192.0.2.1",
    }


def test_what_happened_to_no_item_has_none() -> None:
    found = event_of(LOGIN)
    assert (found.item_id, found.item_type, found.item_name) == ("", "", "")
    assert (found.user_id, found.user_email) == ("2", "")


def test_what_can_not_be_kept_is_made_fit() -> None:
    source = {**UPLOAD["source"], "name": "a\nb" + "x" * 300, "sha1": "none", "owned_by": None}
    details = {"text": "y" * LONGEST_DETAILS}
    found = event_of({**UPLOAD, "source": source, "additional_details": details})
    assert found.item_name.startswith("a\ufffdb")
    assert len(found.item_name) == 255
    assert (found.item.sha1_hash, found.item.owner_email) == ("", "")
    assert list(json.loads(found.additional_details)) == ["left_out_characters"]


@pytest.mark.parametrize("login", ["a@b..c", "a@b.", "a@.b", "a@b\u200b", "a@b@c", "a" * 65 + "@b"])
def test_a_log_in_that_is_no_address_holds_no_stream_up(stage: Stage, login: str) -> None:
    entry = {
        **UPLOAD,
        "created_by": {**ADA, "login": login},
        "source": {**UPLOAD["source"], "owned_by": {**ADA, "login": login}},
    }
    stage.as_service().IngestEvents(user_id="u", to_position="1", events=[event_of(entry)])
    (row,) = stage.rows("event.events")
    assert (row["user_id"], row["user_email"]) == (ADA["id"], "")


def test_half_a_sign_holds_no_stream_up() -> None:
    half = json.loads('"cut \\ud83d"')
    source = {**UPLOAD["source"], "name": half}
    found = event_of({**UPLOAD, "source": source, "additional_details": {"text": half}})
    assert found.item_name == "cut \ufffd"
    assert json.loads(found.additional_details)["additional_details"] == {"text": "cut ?"}


def file(folder: Path, name: str, position: object, *entries: Any) -> Path:
    path = folder / name
    answer = {"chunk_size": len(entries), "next_stream_position": position, "entries": entries}
    path.write_text(json.dumps(answer))
    return path


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(names=("event", "item"), now_ms=lambda: NOW) as one:
        yield one


def test_a_recorded_stream_gets_in_and_goes_on(stage: Stage, tmp_path: Path) -> None:
    files = [
        file(tmp_path, "1.json", 1152922976252290886, FOLDER, UPLOAD),
        file(tmp_path, "2.json", 1152922976252290886),
        file(tmp_path, "3.json", "1152922976252290999", ENTERPRISE, UPLOAD),
    ]
    Importer(Service(stage), RecordedStream(files[:1]), "17738362", batch_size=1).run()
    path = stage.as_service().GetPath(item_id="11111")
    assert [one.name for one in path.items] == ["Plans", "plan.pdf"]
    found = Importer(Service(stage), RecordedStream(files), "17738362").run()
    assert (found.events, found.position) == (2, "1152922976252290999")
    more = file(tmp_path, "4.json", 3, LOGIN)
    assert Importer(Service(stage), RecordedStream([*files, more]), "17738362").run().events == 1
    assert len(stage.rows("event.events")) == 4
    assert findings(stage, invariants) == findings(stage, item_invariants) == []
    asked = {"from_day": "2012-12-12", "to_day": "2012-12-12"}
    types = [one.event_type for one in stage.as_service().QueryEvents(**asked).events]
    assert types == ["LOGIN", "DOWNLOAD", "UPLOAD", "CREATE"]


def test_a_position_that_no_file_ends_at_is_named(stage: Stage, tmp_path: Path) -> None:
    first, second = file(tmp_path, "1.json", 5, UPLOAD), file(tmp_path, "2.json", 6, LOGIN)
    Importer(Service(stage), RecordedStream([first]), "u").run()
    with pytest.raises(LookupError, match=r"'5'.*give all files"):
        Importer(Service(stage), RecordedStream([second]), "u").run()


@pytest.mark.parametrize(
    "text, why",
    [
        ("{", "no JSON"),
        ("[]", "no entries"),
        ('{"entries": 1, "next_stream_position": 1}', "no entries"),
        ('{"entries": []}', "no next_stream_position"),
        ('{"entries": [], "next_stream_position": true}', "no next_stream_position"),
        ('{"entries": [], "next_stream_position": ""}', "no next_stream_position"),
    ],
)
def test_a_file_that_is_no_answer_is_named(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"wrong.json.*{why}"):
        RecordedStream([path])


def test_files_that_end_where_another_did_are_named(tmp_path: Path) -> None:
    files = [
        file(tmp_path, f"{name}.json", at, UPLOAD) for name, at in (("1", 5), ("2", 6), ("3", 5))
    ]
    with pytest.raises(ValueError, match=r"3.json.*was there before"):
        RecordedStream(files)


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        None,
        {},
        {"event_type": "X", "event_id": "1", "created_at": "yesterday"},
        {"event_type": "X", "event_id": "1", "created_at": "2012-12-12T10:00:00"},
        {"event_type": "X", "event_id": "1", "created_at": 5},
        {**UPLOAD, "source": "file"},
        {**UPLOAD, "source": {**UPLOAD["source"], "size": "big"}},
    ],
)
def test_an_entry_that_is_no_event_is_named(tmp_path: Path, wrong: Any) -> None:
    path = file(tmp_path, "1.json", 5, UPLOAD, wrong)
    with pytest.raises(ValueError, match=r"1\.json: entries\[1\]: it is no event of BOX"):
        RecordedStream([path]).read("")


def test_every_kind_of_event_is_one_that_the_service_takes(stage: Stage) -> None:
    from scalar_auditor.event.box import EVENT_TYPES

    entries = [
        {**UPLOAD, "event_type": kind, "event_id": f"e{number}"}
        for number, kind in enumerate([*EVENT_TYPES, "COLLABORATION_INVITE"])
    ]
    events = [event_of(entry) for entry in entries]
    assert all(isinstance(one, event_pb2.Event) for one in events)
    stage.as_service().IngestEvents(user_id="u", to_position="1", events=events)
    assert len(stage.rows("event.events")) == len(entries)
