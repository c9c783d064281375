"""Does each command do what it says, end as it says, and print for people and for programs?"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.services.cli.conftest import SAMPLE, SIZE
from tests.services.cli.world import ADMIN, World

if TYPE_CHECKING:
    from pathlib import Path

SETS = list(SAMPLE.sets())
FIRST = SETS[0].audit_set_id
ITEM = SETS[0].items[0]
PEOPLE = SAMPLE.people()
WHOLE = ("--limit", "0", "--json")


@pytest.fixture
def own(world: World) -> str:
    """A set of the admin's own."""
    return str(json.loads(world.ok("sets", "create", "Own", "--json"))["audit_set_id"])


def test_who_is_logged_in(world: World) -> None:
    assert world.ok("whoami") == f"{ADMIN} at {world.server}: AUDIT_ADMIN\n"
    data = json.loads(world.ok("whoami", "--json"))
    assert (data["user_email"], data["server"]) == (ADMIN, world.server)


def test_a_set_from_its_making_to_its_end(world: World) -> None:
    made = json.loads(
        world.ok("sets", "create", "Mine", "--description", "why", "--id", "m1", "--json")
    )
    assert (made["audit_set_id"], made["name"], made["role"]) == ("m1", "Mine", "OWNER")
    assert "m1" in [one["audit_set_id"] for one in json.loads(world.ok("sets", "list", *WHOLE))]
    world.ok("sets", "update", "m1", "--name", "Ours")
    shown = json.loads(world.ok("sets", "show", "m1", "--json"))
    assert (shown["name"], shown["description"]) == ("Ours", "why")
    assert "name" in world.ok("sets", "show", "m1")
    assert world.command("sets", "delete", "m1", given="n\n").code == 1
    assert world.command("sets", "show", "m1").code == 0
    world.ok("sets", "delete", "m1", "--yes")
    gone = world.command("sets", "show", "m1")
    assert gone.code == 2
    assert "there is no audit set 'm1'" in gone.err
    assert "What to do:" in gone.err
    assert gone.out == ""


def test_a_deletion_that_broke_off_can_be_gone_on_with(world: World, own: str) -> None:
    row = world.stage.get("audit.audit_set", audit_set_id=own)
    assert row is not None
    world.stage.put("audit.audit_set", **{**row, "status": "DELETING"})
    assert world.command("sets", "delete", own, given="n\n").code == 1
    assert world.stage.get("audit.audit_set", audit_set_id=own) is not None
    assert world.command("sets", "delete", own, given="y\n").code == 0
    assert world.stage.get("audit.audit_set", audit_set_id=own) is None
    assert world.command("sets", "delete", own, given="y\n").code == 2


def test_people_of_a_set(world: World, own: str) -> None:
    first, second = PEOPLE[0].email, PEOPLE[1].email

    def people() -> dict[str, str]:
        found = json.loads(world.ok("sets", "people", own, *WHOLE))
        return {one["user_email"]: one["role"] for one in found}

    world.ok("sets", "add-person", own, first, "member")
    assert people() == {ADMIN: "OWNER", first: "MEMBER"}
    world.ok("sets", "change-role", own, first, "reviewer")
    assert people()[first] == "REVIEWER"
    world.ok("sets", "hand-over", own, second)
    assert people() == {ADMIN: "CO_OWNER", first: "REVIEWER", second: "OWNER"}
    world.ok("sets", "remove-person", own, first)
    assert first not in people()
    assert first not in world.ok("sets", "people", own)
    assert second in world.ok("sets", "people", own)


def test_items_of_a_set(world: World, own: str) -> None:
    items = SETS[0].items[:2]
    world.ok("sets", "add-items", own, *items)
    found = json.loads(world.ok("sets", "items", own, *WHOLE))
    assert [one["item_id"] for one in found] == sorted(items)
    assert {one["tampering_status"] for one in found} == {"NOT_TAMPERED"}
    world.ok("sets", "remove-items", own, items[0])
    assert items[0] not in world.ok("sets", "items", own)


def test_a_limit_is_told(world: World) -> None:
    answer = world.command("sets", "items", FIRST, "--limit", "2", "--json")
    assert len(answer.data) == 2
    assert "There are more" in answer.err
    every = world.command("sets", "items", FIRST, *WHOLE)
    assert len(every.data) == len(SETS[0].items)
    assert every.err == ""


def test_groups(world: World, own: str) -> None:
    world.ok("groups", "create", "Reviewers", "--id", "g1")
    assert "g1" in world.ok("groups", "list")
    changed = json.loads(world.ok("groups", "update", "g1", "--description", "why", "--json"))
    assert (changed["name"], changed["description"]) == ("Reviewers", "why")
    world.ok("groups", "add-person", "g1", PEOPLE[2].email)
    assert PEOPLE[2].email in world.ok("groups", "people", "g1")
    world.ok("sets", "link", own, "g1")
    world.ok("sets", "unlink", own, "g1")
    world.ok("groups", "remove-person", "g1", PEOPLE[2].email)
    assert PEOPLE[2].email not in world.ok("groups", "people", "g1")
    world.ok("groups", "delete", "g1", "--yes")
    assert "g1" not in world.ok("groups", "list")


def test_what_is_known_of_an_item(world: World) -> None:
    data = json.loads(world.ok("items", "show", ITEM, "--set", FIRST, "--json"))
    assert data["item"]["item_id"] == ITEM
    assert data["tampering_status"] == "NOT_TAMPERED"
    assert "NOT_TAMPERED, last verified:" in world.ok("items", "show", ITEM)
    path = json.loads(world.ok("items", "path", ITEM, "--json"))
    assert path[-1]["item_id"] == ITEM
    children = json.loads(world.ok("items", "children", path[0]["item_id"], *WHOLE))
    assert path[1]["item_id"] in [one["item_id"] for one in children]
    assert "UPLOAD" in world.ok("items", "events", ITEM)
    [version] = json.loads(world.ok("items", "history", ITEM, *WHOLE))
    assert version["sha1_hash"] == SAMPLE.digest(ITEM)
    copies = json.loads(world.ok("items", "copies", version["sha1_hash"], *WHOLE))
    assert [one["item_id"] for one in copies] == [ITEM]


def test_the_events_of_days(world: World) -> None:
    days = ("--from", "2026-08-01", "--to", "2026-10-31")
    found = json.loads(world.ok("events", "query", *days, *WHOLE))
    assert len(found) == SIZE.events
    moments = [one["created_at"] for one in found]
    assert moments == sorted(moments, reverse=True)
    of_one = json.loads(world.ok("events", "query", *days, "--item", ITEM, *WHOLE))
    assert {one["item_id"] for one in of_one} == {ITEM}
    assert world.ok("events", "query", "--from", "2001-01-01", "--to", "2001-01-02") == (
        "There is none that you may see.\n"
    )


def test_a_report_on_standard_output_and_in_a_file(world: World, tmp_path: Path) -> None:
    text = world.ok("export", FIRST)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {one["item_id"] for one in rows if one["record"] == "ITEM"} == set(SETS[0].items)
    file = tmp_path / "report.jsonl"
    world.ok("export", FIRST, "--format", "json", "--to", str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == len(rows)
    refused = world.command("export", "nothing", "--to", str(tmp_path / "other"))
    assert refused.code == 2
    assert [one.name for one in tmp_path.iterdir()] == ["report.jsonl"]  # and no half of one


def test_people_and_organizations(world: World) -> None:
    password = ("--new-password-file", str(world.password_file))
    world.ok("users", "add-organization", "Elsewhere", "--id", "o1")
    assert "o1" in world.ok("users", "organizations")
    world.ok(
        *("users", "add", "NEW@example.org", "--organization", "o1", *password),
        *("--role", "general_user", "--role", "external_auditor"),
    )
    assert "new@example.org" in world.ok("users", "list", "o1")
    world.ok("users", "role", "new@example.org", "external_auditor", "--revoke")
    shown = json.loads(world.ok("users", "show", "new@example.org", "--json"))
    assert shown["roles"] == ["GENERAL_USER"]
    world.ok("users", "role", "new@example.org", "external_auditor")
    shown = json.loads(world.ok("users", "show", "new@example.org", "--json"))
    assert sorted(shown["roles"]) == ["EXTERNAL_AUDITOR", "GENERAL_USER"]
    world.ok("users", "delete", "new@example.org", "--yes")
    assert world.command("users", "show", "new@example.org").code == 2


def test_a_generated_password_is_shown_once_and_works(world: World) -> None:
    made = json.loads(world.ok("users", "add", "gen@example.org", "--generate", "--json"))
    with world.client("gen@example.org", made["password"]) as client:
        assert client.identity.get_user(user_email="gen@example.org").name == "gen@example.org"


def test_a_service_token_is_good_until_it_is_revoked(world: World) -> None:
    token = world.service_token("tester")
    words = ("items", "show", ITEM, "--server", world.server)
    world.ok(*words, token=token)
    world.ok("users", "service-token", "revoke", "tester")
    refused = world.command(*words, token=token)
    assert refused.code == 1
    assert "UNAUTHENTICATED" in refused.err


def test_the_auditors_log_tells_who_looked(world: World, own: str) -> None:
    auditor = next(one.email for one in PEOPLE if one.role == "EXTERNAL_AUDITOR")
    world.ok("sets", "add-person", own, auditor, "REVIEWER")
    with world.client(auditor, world.password_file.read_text().strip()) as client:
        client.audit.get_audit_set(audit_set_id=own)
    [seen] = json.loads(world.ok("sets", "log", own, *WHOLE))
    assert (seen["user_email"], seen["action_type"]) == (auditor, "GetAuditSet")


def recorded(folder: Path, name: str, position: int, *numbers: int) -> str:
    entries = [
        {
            "event_id": f"e{number}",
            "event_type": "ITEM_DOWNLOAD",
            "created_at": "2026-01-05T10:00:00+01:00",
            "created_by": {"id": "17", "login": "bob@example.org"},
            "source": {"item_type": "file", "item_id": ITEM, "item_name": "a file"},
        }
        for number in numbers
    ]
    file = folder / name
    data = {"chunk_size": len(entries), "next_stream_position": position, "entries": entries}
    file.write_text(json.dumps(data))
    return str(file)


def test_a_recorded_stream_is_taken_in_once(world: World, tmp_path: Path) -> None:
    token = world.service_token("importer")
    files = [recorded(tmp_path, "1.json", 10, 1, 2), recorded(tmp_path, "2.json", 20, 3)]

    def take_in(*names: str) -> dict[str, object]:
        words = ("import", *names, "--user", "17", "--server", world.server, "--json")
        return dict(json.loads(world.ok(*words, token=token)))

    assert take_in(files[0])["events"] == 2
    assert take_in(*files)["events"] == 1
    assert take_in(*files)["events"] == 0
    day = ("--from", "2026-01-05", "--to", "2026-01-05")
    assert len(json.loads(world.ok("events", "query", *day, *WHOLE))) == 3
    (tmp_path / "3.json").write_text("{}")
    wrong = world.command(
        *("import", str(tmp_path / "3.json"), "--user", "17", "--server", world.server),
        token=token,
    )
    assert wrong.code == 2
    assert "3.json" in wrong.err


def test_a_version_is_registered_by_a_service_and_verified(world: World, tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_bytes(b"as it is now")
    item, digest = SETS[1].items[-1], hashlib.sha1(b"as it is now").hexdigest()
    words = ("items", "register", item, digest.upper(), "v2")
    refused = world.command(*words)
    assert refused.code == 1
    assert "SCALAR_AUDITOR_TOKEN" in refused.err
    token = world.service_token()
    assert json.loads(world.ok(*words, "--json", token=token))["last_sha1_hash"] == digest
    assert world.command("verify", item, "--file", str(file)).code == 0
    file.write_bytes(b"as somebody made it")
    answer = world.command("verify", item, "--file", str(file))
    assert (answer.code, "FILE_DIFFERS" in answer.out) == (1, True)
