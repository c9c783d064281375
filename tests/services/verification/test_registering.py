"""Is a version of a file registered once, in order, and never behind an altered history?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.verification import registering, rules
from tests.services.stage import Refused, Stage
from tests.services.verification.scene import everything, monitored, new_item, sha1

if TYPE_CHECKING:
    from collections.abc import Callable


def history(stage: Stage, item_id: str) -> list[dict[str, Any]]:
    rows = [row for row in stage.rows("verification.asset_history") if row["item_id"] == item_id]
    return sorted(rows, key=lambda row: row["asset_version"])


def copies(stage: Stage, item_id: str) -> list[dict[str, Any]]:
    return [row for row in stage.rows("verification.items_by_sha1") if row["item_id"] == item_id]


def test_versions_follow_one_another(stage: Stage) -> None:
    item = monitored(stage, 3)
    entries = history(stage, item)
    assert [one["asset_version"] for one in entries] == [1, 2, 3]
    assert [one["version_id"] for one in entries] == ["v1", "v2", "v3"]
    assert [one["recorded_by"] for one in entries] == ["importer"] * 3
    assert ["", *(one["digest"] for one in entries)][:3] == [o["previous_digest"] for o in entries]
    status = stage.get("verification.item_status", item_id=item)
    assert status is not None
    assert status["head_digest"] == entries[2]["digest"]
    assert (status["last_sha1_hash"], status["asset_version"]) == (sha1(f"{item} 3"), 3)
    assert (status["tampering_status"], status["last_verified_at"]) == ("NOT_TAMPERED", 0)


def test_an_item_is_listed_under_its_newest_digest_only(stage: Stage) -> None:
    item = monitored(stage, 3)
    (copy,) = copies(stage, item)
    assert (copy["sha1_hash"], copy["version_id"]) == (sha1(f"{item} 3"), "v3")
    assert copy["item_name"] == f"{item}.txt"
    # The same content again, as another version, under another name.
    stage.as_service().RegisterItem(
        item_id=item, sha1_hash=sha1(f"{item} 3").upper(), version_id="v4", item_name="Ä"
    )
    (copy,) = copies(stage, item)
    assert (copy["sha1_hash"], copy["version_id"], copy["item_name"]) == (
        sha1(f"{item} 3"),
        "v4",
        "Ä",
    )


def test_the_same_again_changes_nothing(stage: Stage) -> None:
    item = monitored(stage, 3)
    before = everything(stage)
    for number in (3, 1, 2):  # also what is not the newest any more
        answer = stage.as_service("another").RegisterItem(
            item_id=item, sha1_hash=sha1(f"{item} {number}"), version_id=f"v{number}"
        )
        assert (answer.asset_version, answer.version_id) == (3, "v3")
    assert everything(stage) == before


@pytest.mark.parametrize("number", [1, 3])
def test_a_version_has_one_digest(stage: Stage, number: int) -> None:
    item = monitored(stage, 3)
    before = everything(stage)
    with pytest.raises(Refused) as caught:
        stage.as_service().RegisterItem(item_id=item, sha1_hash="f" * 40, version_id=f"v{number}")
    assert (caught.value.code, caught.value.reason) == ("ALREADY_EXISTS", "VERSION_ALREADY_EXISTS")
    assert caught.value.metadata == {"item_id": item, "version_id": f"v{number}"}
    assert everything(stage) == before


def test_of_an_item_that_nobody_told_of_nothing_is_registered(stage: Stage) -> None:
    before = everything(stage)
    with pytest.raises(Refused) as caught:
        stage.as_service().RegisterItem(item_id="nobody's", sha1_hash="f" * 40, version_id="1")
    assert (caught.value.code, caught.value.reason) == ("NOT_FOUND", "ITEM_NOT_FOUND")
    assert everything(stage) == before


def test_a_deleted_item_may_still_get_a_version_that_came_late(stage: Stage) -> None:
    item = new_item(stage, deleted=True)
    answer = stage.as_service().RegisterItem(item_id=item, sha1_hash="f" * 40, version_id="1")
    assert answer.asset_version == 1


def test_a_long_history_is_searched_by_steps(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registering, "NEWEST", 3)
    monkeypatch.setattr(rules, "STEP", 4)
    item = monitored(stage, 14)
    assert [one["asset_version"] for one in history(stage, item)] == [*range(1, 15)]
    before = everything(stage)
    for number in range(1, 15):
        answer = stage.as_service().RegisterItem(
            item_id=item, sha1_hash=sha1(f"{item} {number}"), version_id=f"v{number}"
        )
        assert (answer.asset_version, answer.tampering_status) == (14, "NOT_TAMPERED")
        with pytest.raises(Refused, match="VERSION_ALREADY_EXISTS"):
            stage.as_service().RegisterItem(
                item_id=item, sha1_hash="f" * 40, version_id=f"v{number}"
            )
    assert everything(stage) == before


def test_what_was_found_is_not_forgotten_by_another_version(stage: Stage) -> None:
    item = monitored(stage, 1)
    owner = stage.as_person("owner-of-items@example.org")
    owner.VerifyItem(item_id=item, sha1_hash="e" * 40)
    answer = stage.as_service().RegisterItem(item_id=item, sha1_hash="d" * 40, version_id="v2")
    assert answer.tampering_status == "TAMPERED"
    assert owner.VerifyItem(item_id=item).tampering_status == "TAMPERED"
    assert owner.VerifyItem(item_id=item, sha1_hash="d" * 40).tampering_status == "NOT_TAMPERED"
    assert owner.VerifyItem(item_id=item).tampering_status == "NOT_TAMPERED"


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What calls answered, or how they were refused, that were sent at the same time."""
    ready = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def call(number: int) -> None:
        ready.wait(10)
        try:
            found[number] = calls[number]()
        except Refused as refused:
            found[number] = refused.reason

    threads = [threading.Thread(target=call, args=(n,)) for n in range(len(calls))]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return found


def register(stage: Stage, item: str, version: str, digest: str) -> Callable[[], Any]:
    def call() -> int:
        answer = stage.as_service().RegisterItem(item_id=item, sha1_hash=digest, version_id=version)
        return int(answer.asset_version)

    return call


@pytest.fixture(params=["memory", "sqlite"])
def either(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/one.db"
    with Stage(target, names=("verification",)) as stage:
        yield stage


def test_two_at_once_keep_one_chain(either: Stage) -> None:
    item = new_item(either)
    for round_ in range(4):
        versions = [f"{round_}-{n}" for n in range(4)]
        calls = [register(either, item, one, sha1(one)) for one in versions]
        found = at_once(*calls, *calls)  # and each of them is sent twice
        assert sorted(set(found)) == [*range(4 * round_ + 1, 4 * round_ + 5)]
        assert len(history(either, item)) == 4 * round_ + 4
    verdict = either.as_person("owner-of-items@example.org").VerifyItem(item_id=item)
    assert (verdict.tampering_status, verdict.versions_checked) == ("NOT_TAMPERED", 16)
    (copy,) = copies(either, item)
    assert copy["version_id"] == history(either, item)[-1]["version_id"]


def test_of_two_digests_of_a_version_at_once_one_is_taken(either: Stage) -> None:
    for _ in range(4):
        item = new_item(either)
        calls = [register(either, item, "v1", digit * 40) for digit in "abcd"]
        found = at_once(*calls)
        assert sorted(found, key=str) == [1, *["VERSION_ALREADY_EXISTS"] * 3]
        assert len(history(either, item)) == 1


def test_verifying_meanwhile_never_sees_half_a_version(either: Stage) -> None:
    item = new_item(either)
    owner = either.as_person("owner-of-items@example.org")

    def verify() -> set[str]:
        return {owner.VerifyItem(item_id=item).tampering_status for _ in range(8)}

    def grow() -> None:
        for number in range(8):
            register(either, item, f"v{number}", sha1(str(number)))()

    *seen, _ = at_once(verify, verify, grow)
    assert set().union(*seen) <= {"NOT_TAMPERED", "NOT_MONITORED"}
    assert owner.VerifyItem(item_id=item).versions_checked == 8
