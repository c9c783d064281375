"""Is a field that can't be right refused by its name, with nothing changed?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import SetRole
from scalar_auditor.rpc.v1 import verification_pb2
from tests.services.stage import Refused
from tests.services.verification.scene import admin, everything, monitored, new_set, sha1

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.stage import Calls, Stage

BAD_IDS = ("a b", "x" * 129, "tab\there", "\x00", "new\nline", "\u200b")
NEEDED_IDS = ("", *BAD_IDS)
BAD_DIGESTS = ("12", "g" * 40, "a" * 41, "a" * 39, "é" * 40, " " + "a" * 40)
NEEDED_DIGESTS = ("", *BAD_DIGESTS)
BAD_LINES = ("x" * 256, "two\nlines", "\x00", "\x1b[2J")
BAD_SIZES = (-1, 1001, 2**31 - 1)
BAD_TOKENS = ("x", "AAAA", "é", "x" * 5000, "e30")
BAD_VERSIONS = (0, -1, 2**53 + 1)
BAD_HEADS = ("", "12", "g" * 64, "A" * 64, "a" * 65)

FIELDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "RegisterItem": {
        "item_id": NEEDED_IDS,
        "sha1_hash": NEEDED_DIGESTS,
        "version_id": NEEDED_IDS,
        "item_name": BAD_LINES,
    },
    "VerifyItem": {
        "item_id": NEEDED_IDS,
        "audit_set_id": BAD_IDS,
        "sha1_hash": BAD_DIGESTS,
        "anchor.item_id": (*NEEDED_IDS, "another"),
        "anchor.asset_version": BAD_VERSIONS,
        "anchor.head_digest": BAD_HEADS,
        "anchor.key_id": BAD_IDS,
    },
    "GetStatus": {"item_id": NEEDED_IDS, "audit_set_id": BAD_IDS},
    "ListHistory": {
        "item_id": NEEDED_IDS,
        "audit_set_id": BAD_IDS,
        "page.page_size": BAD_SIZES,
        "page.page_token": BAD_TOKENS,
    },
    "FindCopies": {
        "sha1_hash": NEEDED_DIGESTS,
        "audit_set_id": BAD_IDS,
        "page.page_size": BAD_SIZES,
        "page.page_token": BAD_TOKENS,
    },
    "VerifyAuditSet": {
        "audit_set_id": NEEDED_IDS,
        "after_item_id": BAD_IDS,
        "anchors.item_id": NEEDED_IDS,
        "anchors.asset_version": BAD_VERSIONS,
        "anchors.head_digest": BAD_HEADS,
        "anchors.key_id": BAD_IDS,
    },
}


class World:
    """A request of each method that is right, and its caller."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.item = monitored(stage)
        self.set = new_set(stage, {"r@x.org": SetRole.REVIEWER}, [self.item])
        head = stage.get("verification.asset_history", item_id=self.item, asset_version=1)
        assert head is not None
        self.anchor = {
            "item_id": self.item,
            "asset_version": 1,
            "head_digest": head["digest"],
            "key_id": head["key_id"],
        }

    def calls(self, method: str) -> Calls:
        return self.stage.as_service() if method == "RegisterItem" else admin(self.stage)

    def request(self, method: str) -> dict[str, Any]:
        digest = sha1(f"{self.item} 1")
        of_item = {"item_id": self.item, "audit_set_id": self.set}
        page = {"page_size": 10, "page_token": ""}
        requests: dict[str, dict[str, Any]] = {
            "RegisterItem": {
                "item_id": self.item,
                "sha1_hash": digest,
                "version_id": "v1",
                "item_name": "a name",
            },
            "VerifyItem": {**of_item, "sha1_hash": digest, "anchor": dict(self.anchor)},
            "GetStatus": of_item,
            "ListHistory": {**of_item, "page": page},
            "FindCopies": {"sha1_hash": digest, "audit_set_id": self.set, "page": page},
            "VerifyAuditSet": {
                "audit_set_id": self.set,
                "after_item_id": "",
                "anchors": [dict(self.anchor)],
            },
        }
        return requests[method]

    def refused(self, method: str, request: dict[str, Any]) -> Refused:
        before = everything(self.stage)
        with pytest.raises(Refused) as caught:
            list(getattr(self.calls(method), method)(**request))
        assert everything(self.stage) == before
        return caught.value


@pytest.fixture(scope="module")
def world(stage: Stage) -> World:
    return World(stage)


def leaves(described: Any, prefix: str = "") -> Iterator[str]:
    for field in described.fields:
        if field.message_type is None:
            yield prefix + field.name
        else:
            yield from leaves(field.message_type, f"{prefix}{field.name}.")


@pytest.mark.parametrize("method", FIELDS)
def test_each_field_has_its_row(method: str) -> None:
    service = verification_pb2.DESCRIPTOR.services_by_name["VerificationService"]
    assert FIELDS.keys() == {one.name for one in service.methods}
    assert FIELDS[method].keys() == set(leaves(service.methods_by_name[method].input_type))


@pytest.mark.parametrize("method", FIELDS)
def test_the_request_is_right_without(world: World, method: str) -> None:
    found = getattr(world.calls(method), method)(**world.request(method))
    if method == "VerifyAuditSet":
        assert list(found)[-1].finished


@pytest.mark.parametrize(
    "method, field", [(method, field) for method in FIELDS for field in FIELDS[method]]
)
def test_a_wrong_value_is_refused(world: World, method: str, field: str) -> None:
    for value in FIELDS[method][field]:
        request = world.request(method)
        outer, _, inner = field.partition(".")
        if not inner:
            request[field] = value
        elif outer == "anchors":
            request["anchors"][0][inner] = value
        else:
            request[outer] = request[outer] | {inner: value}
        refused = world.refused(method, request)
        assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD"), value
        assert refused.field == field.replace("anchors.", "anchors[0]."), value


def test_an_item_is_anchored_once(world: World) -> None:
    request = world.request("VerifyAuditSet")
    request["anchors"] *= 2
    assert world.refused("VerifyAuditSet", request).field == "anchors[1].item_id"


def test_anchors_are_not_without_end(world: World) -> None:
    request = world.request("VerifyAuditSet")
    request["anchors"] = [world.anchor | {"item_id": f"i{n}"} for n in range(10_001)]
    assert world.refused("VerifyAuditSet", request).field == "anchors"
    request["anchors"].pop()
    assert list(admin(world.stage).VerifyAuditSet(**request))[-1].finished


def test_a_page_token_is_of_its_list_only(world: World) -> None:
    item = monitored(world.stage, 3)
    calls = admin(world.stage)
    token = calls.ListHistory(item_id=item, page={"page_size": 1}).next_page_token
    assert calls.ListHistory(item_id=item, page={"page_token": token}).entries
    for method, fields in (
        ("ListHistory", {"item_id": world.item}),
        ("ListHistory", {"item_id": item, "audit_set_id": world.set}),
        ("FindCopies", {"sha1_hash": sha1(f"{item} 3")}),
    ):
        request = {**fields, "page": {"page_token": token}}
        assert world.refused(method, request).field == "page.page_token"
