"""What does a page token tell, and which of them are taken?"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.keys import KeyRing
from scalar_auditor.paging import Pages
from scalar_auditor.permissions import Role
from scalar_auditor.rpc.v1 import common_pb2
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

SHA1 = "ab" * 20
STRANGER = "stranger@example.org"
LIST = ("ListChildren", "17", "")


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """150 items with one digest, of which the stranger owns the last."""
    with Stage(names=("verification",)) as one:
        for number in range(150):
            item_id = f"secret-{number:03}"
            one.put(
                "item.item",
                item_id=item_id,
                item_type="FILE",
                name="n",
                parent_id="",
                sha1_hash=SHA1,
                size=1,
                owner_id="",
                owner_email=STRANGER if number == 149 else "",
                version_id="v1",
                deleted=False,
                created_at=1,
                modified_at=1,
            )
            one.as_service().RegisterItem(item_id=item_id, sha1_hash=SHA1, version_id="v1")
        yield one


def taken(pages: Pages, token: str, *of: object) -> object:
    return pages.asked(common_pb2.PageRequest(page_token=token), *of).after


def test_a_page_that_ends_behind_what_is_hidden_does_not_tell_of_it(stage: Stage) -> None:
    calls = stage.as_person(STRANGER)
    page = calls.FindCopies(sha1_hash=SHA1)
    token = page.next_page_token
    assert (list(page.copies), bool(token)) == ([], True)
    assert b"secret" not in base64.urlsafe_b64decode(token)
    rest = calls.FindCopies(sha1_hash=SHA1, page={"page_token": token})
    assert [one.item_id for one in rest.copies] == ["secret-149"]


def test_an_outside_auditor_does_not_even_hear_that_there_is_more(stage: Stage) -> None:
    calls = stage.as_person("eve@example.org", Role.EXTERNAL_AUDITOR)
    assert calls.FindCopies(sha1_hash=SHA1).next_page_token == ""


@pytest.mark.parametrize("position", ["i", 7, ["2026-11-23", "1790000000000-e"], None])
def test_a_token_goes_on_where_it_was_made(position: object) -> None:
    pages = Pages(KeyRing.made("one"))
    token = pages.token(position, *LIST)
    assert taken(pages, token, *LIST) == position


def test_what_a_former_key_sealed_is_taken_and_what_an_unknown_one_did_is_not() -> None:
    ring = KeyRing.made("one")
    token = Pages(ring).token("i", *LIST)
    assert taken(Pages(ring.with_new("two")), token, *LIST) == "i"
    for other in (KeyRing.made("one"), KeyRing.made("two")):
        with pytest.raises(InvalidArgumentError, match=r"page\.page_token"):
            taken(Pages(other), token, *LIST)


def test_no_part_of_a_token_can_be_changed_nor_its_list() -> None:
    pages = Pages(KeyRing.made("one"))
    token = pages.token("i", *LIST)
    bits = int.from_bytes(base64.urlsafe_b64decode(token), "big")
    length = len(base64.urlsafe_b64decode(token))
    forged = [
        base64.urlsafe_b64encode((bits ^ (1 << bit)).to_bytes(length, "big")).decode()
        for bit in range(8 * length)
    ]
    plain = base64.urlsafe_b64encode(json.dumps("i").encode()).decode()
    for wrong in (*forged, plain, token[:-4], "AAAA" + token, "\u00e9", "x" * 5000):
        with pytest.raises(InvalidArgumentError):
            taken(pages, wrong, *LIST)
    for other in (("ListHistory", "17", ""), ("ListChildren", "18", ""), ("ListChildren", "17")):
        with pytest.raises(InvalidArgumentError):
            taken(pages, token, *other)
