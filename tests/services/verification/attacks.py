"""What may somebody do to the rows of an item who can write to the database and has no key?"""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

from scalar_auditor.keys import KeyRing
from scalar_auditor.verification import chain
from scalar_auditor.verification.model import HistoryEntry, ItemStatus
from tests.services.verification.scene import OWNER_OF_ITEMS, new_item, sha1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.stage import Stage

STATUS = "verification.item_status"
HISTORY = "verification.asset_history"
COPIES = "verification.items_by_sha1"
VERSIONS = 4
KEYS = {
    STATUS: ("item_id",),
    HISTORY: ("item_id", "asset_version"),
    COPIES: ("sha1_hash", "item_id"),
}

Rows = dict[str, Any]


class Item:
    """A monitored item, whose rows somebody alters who has no key.

    ``past`` holds its rows as they were after each registration, for those who put them back.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.id = new_item(stage)
        self.past: dict[int, tuple[Rows, Rows, Rows]] = {}
        for number in range(1, VERSIONS + 1):
            digest = sha1(f"{self.id} {number}")
            stage.as_service().RegisterItem(
                item_id=self.id, sha1_hash=digest, version_id=f"v{number}"
            )
            self.past[number] = (self.status(), self.entry(number), self.copy(digest))

    def status(self) -> Rows:
        return self.stage.get(STATUS, item_id=self.id) or {}

    def entry(self, version: int) -> Rows:
        return self.stage.get(HISTORY, item_id=self.id, asset_version=version) or {}

    def copy(self, digest: str) -> Rows:
        return self.stage.get(COPIES, sha1_hash=digest, item_id=self.id) or {}

    def put(self, table: str, row: Rows, **changes: Any) -> None:
        self.stage.put(table, **(row | changes))

    def remove(self, table: str, row: Rows) -> None:
        key = {name: row[name] for name in KEYS[table]}
        self.stage.run(self.stage.manager.delete(table, key))

    def verify(self, **fields: Any) -> Any:
        return self.stage.as_person(OWNER_OF_ITEMS).VerifyItem(item_id=self.id, **fields)

    @property
    def newest_sha1(self) -> str:
        return sha1(f"{self.id} {VERSIONS}")


Attack = tuple[str, "Callable[[Item], None]"]


def other_values(value: Any) -> Iterator[Any]:
    """What somebody may write in place of a value."""
    yield None
    if isinstance(value, str):
        yield from {
            "",
            "0" * 40,
            "TAMPERED",
            "NOT_TAMPERED",
            value.upper(),
            value[:-1],
            value + " ",
        } - {value}
    else:
        yield from (value + 1, value - 1, 0 if value else 1, -value - 1)


# Each column, each row, many values.


def altered_columns() -> Iterator[Attack]:
    for column in [one.name for one in dataclasses.fields(ItemStatus) if one.name != "item_id"]:
        for number in range(5):
            yield f"status.{column} value {number}", alter_status(column, number)
    columns = [one.name for one in dataclasses.fields(HistoryEntry)]
    for column in columns:
        if column in KEYS[HISTORY]:
            continue
        for version in range(1, VERSIONS + 1):
            for number in range(3):  # of the seven, other ones in each version
                name = f"entry {version}.{column} value {number}"
                yield name, alter_entry(column, version, 3 * version + number)
    for column in ("version_id", "created_at"):
        for number in range(4):
            yield f"copy.{column} value {number}", alter_copy(column, number)


def nth(value: Any, number: int) -> Any:
    found = sorted(other_values(value), key=repr)
    return found[number % len(found)]


def alter_status(column: str, number: int) -> Callable[[Item], None]:
    def attack(item: Item) -> None:
        row = item.status()
        item.put(STATUS, row, **{column: nth(row[column], number)})

    return attack


def alter_entry(column: str, version: int, number: int) -> Callable[[Item], None]:
    def attack(item: Item) -> None:
        row = item.entry(version)
        item.put(HISTORY, row, **{column: nth(row[column], number)})

    return attack


def alter_copy(column: str, number: int) -> Callable[[Item], None]:
    def attack(item: Item) -> None:
        row = item.copy(item.newest_sha1)
        item.put(COPIES, row, **{column: nth(row[column], number)})

    return attack


# Rows that are gone, moved, swapped, put back.


def removed_rows() -> Iterator[Attack]:
    everything = range(1, VERSIONS + 1)
    for count in everything:
        for gone in itertools.combinations(everything, count):
            yield f"entries {gone} removed", remove_entries(gone)
    yield "status removed", lambda item: item.remove(STATUS, item.status())
    yield "copy removed", lambda item: item.remove(COPIES, item.copy(item.newest_sha1))

    def all_but_the_copy(item: Item) -> None:
        remove_entries(tuple(everything))(item)
        item.remove(STATUS, item.status())
        # As the item service has it: it tells of the newest version.
        item.stage.put("item.item", item_id=item.id, sha1_hash=item.newest_sha1)

    yield "all but the copy removed", all_but_the_copy


def remove_entries(versions: tuple[int, ...]) -> Callable[[Item], None]:
    def attack(item: Item) -> None:
        for version in versions:
            item.remove(HISTORY, item.entry(version))

    return attack


def moved_rows() -> Iterator[Attack]:
    for one, two in itertools.permutations(range(1, VERSIONS + 1), 2):
        yield f"entry {one} over entry {two}", put_over(one, two)
    for one, two in itertools.combinations(range(1, VERSIONS + 1), 2):
        yield f"entries {one} and {two} swapped", swap(one, two)
    for version in (-1, 0, VERSIONS + 1, VERSIONS + 5, 2**53 - 1):
        yield f"newest entry again as version {version}", again(version)
    for version in range(1, VERSIONS):
        yield f"status of version {version} put back", put_back(version, cut=False)
        yield f"status of version {version} put back, newer cut", put_back(version, cut=True)
        yield f"copy of version {version} put back", put_copy_back(version)
    for version in range(1, VERSIONS + 1):
        yield f"entry {version} of another item", of_another(version)
    yield "status of another item", status_of_another
    yield "history and status of another item", all_of_another


def put_over(one: int, two: int) -> Callable[[Item], None]:
    return lambda item: item.put(HISTORY, item.entry(one), asset_version=two)


def swap(one: int, two: int) -> Callable[[Item], None]:
    def attack(item: Item) -> None:
        first, second = item.entry(one), item.entry(two)
        item.put(HISTORY, first, asset_version=two)
        item.put(HISTORY, second, asset_version=one)

    return attack


def again(version: int) -> Callable[[Item], None]:
    return lambda item: item.put(HISTORY, item.entry(VERSIONS), asset_version=version)


def put_back(version: int, *, cut: bool) -> Callable[[Item], None]:
    def attack(item: Item) -> None:
        item.put(STATUS, item.past[version][0])
        if cut:
            remove_entries(tuple(range(version + 1, VERSIONS + 1)))(item)

    return attack


def put_copy_back(version: int) -> Callable[[Item], None]:
    return lambda item: item.put(COPIES, item.past[version][2])


def of_another(version: int) -> Callable[[Item], None]:
    def attack(item: Item) -> None:
        other = Item(item.stage)
        item.put(HISTORY, other.entry(version), item_id=item.id)

    return attack


def status_of_another(item: Item) -> None:
    item.put(STATUS, Item(item.stage).status(), item_id=item.id)


def all_of_another(item: Item) -> None:
    other = Item(item.stage)
    for version in range(1, VERSIONS + 1):
        item.put(HISTORY, other.entry(version), item_id=item.id)
    item.put(STATUS, other.status(), item_id=item.id)
    item.put(COPIES, other.copy(other.newest_sha1), item_id=item.id)
    item.remove(COPIES, item.copy(item.newest_sha1))


# Somebody who knows how all is signed, and has keys of their own.


def forged() -> Iterator[Attack]:
    for version in range(1, VERSIONS + 1):
        for key_id in ("test", "mine"):
            for how_far in ("entry", "chain", "chain and status"):
                name = f"version {version} signed anew, {how_far}, key {key_id}"
                yield name, forge(version, key_id, how_far)
    yield "verdict signed by another key", forge_verdict


def forge(version: int, key_id: str, how_far: str) -> Callable[[Item], None]:
    keys = KeyRing.made(key_id)

    def attack(item: Item) -> None:
        before = "" if version == 1 else item.entry(version - 1)["digest"]
        last = version if how_far == "entry" else VERSIONS
        for number in range(version, last + 1):
            row = item.entry(number) | {"previous_digest": before}
            if number == version:
                row["sha1_hash"] = "f" * 40
            signed = chain.signed_entry(keys, HistoryEntry(**row))
            item.put(HISTORY, dataclasses.asdict(signed))
            before = signed.digest
        if how_far == "chain and status":
            changes = {"head_digest": before, "last_sha1_hash": row["sha1_hash"]}
            signed_row = chain.signed_status(keys, ItemStatus(**(item.status() | changes)))
            item.put(STATUS, dataclasses.asdict(signed_row))

    return attack


def forge_verdict(item: Item) -> None:
    assert item.verify(sha1_hash="e" * 40).tampering_status == "TAMPERED"
    better = ItemStatus(**(item.status() | {"tampering_status": "NOT_TAMPERED"}))
    item.put(STATUS, dataclasses.asdict(chain.signed_status(KeyRing.made("test"), better)))


ATTACKS = dict([*altered_columns(), *removed_rows(), *moved_rows(), *forged()])
