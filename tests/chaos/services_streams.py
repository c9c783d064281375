"""What do services tell the five services while their node is killed?

Importers send the batches of streams, each batch twice, and again where its answer was lost; two of
them share a stream. A registrar tells of items and registers their digests.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from scalar_auditor.client import AuditorClient, AuditorError
from scalar_auditor.rpc.v1 import event_pb2, item_pb2
from tests.chaos.services_people import COMMON, ITEMS

if TYPE_CHECKING:
    import random

    from tests.chaos.services_told import Told

SHARED: Final = "shared"
BEGAN_MS: Final = 1_700_000_000_000
_TYPES: Final = ("UPLOAD", "EDIT", "DOWNLOAD", "PREVIEW")


@cache
def batch(stream: str, number: int) -> list[event_pb2.Event]:
    """The events of a stream from one position to the next, always the same."""
    drawn = hashlib.sha256(f"{stream} {number}".encode()).digest()
    events = []
    for place in range(1 + drawn[0] % 5):
        item_id = ITEMS[drawn[place + 1] % len(ITEMS)] if drawn[place + 8] % 4 else ""
        event = event_pb2.Event(
            event_type=_TYPES[drawn[place + 16] % len(_TYPES)],
            item_id=item_id,
            user_id=stream,
            source_id=f"{stream}-{number}-{place}",
            created_at=BEGAN_MS + number * 1000 + place,
        )
        if item_id and drawn[place + 24] % 2:
            event.item.CopyFrom(file_named(item_id, event.created_at))
        events.append(event)
    return events


def file_named(item_id: str, modified_at: int) -> item_pb2.Item:
    """A file as it is told of."""
    return item_pb2.Item(
        item_id=item_id,
        item_type="FILE",
        name=item_id,
        parent_id=COMMON,
        sha1_hash=sha1_of(item_id),
        modified_at=modified_at,
    )


def sha1_of(text: str) -> str:
    """A digest of something."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Importer:
    """Sends what comes next in one of its streams, twice."""

    def __init__(self, client: AuditorClient, told: Told, dice: random.Random, own: str) -> None:
        self._calls, self._told, self._dice = client.event, told, dice
        self._streams = (own, own, SHARED)

    def step(self) -> None:
        """One batch."""
        stream = self._dice.choice(self._streams)
        stored = self._told.does("GetPosition", lambda: self._calls.get_position(user_id=stream))
        if stored is None:
            return
        number = int(stored.stream_position or 0)
        first = self._send(stream, number)
        self._told.count("batches sent")
        again = self._send(stream, number)
        self._told.count("batches sent again")
        if first is not None and again is not None and not again.repeated_batch:
            self._told.odd.append(f"batch {number} of {stream} was taken in twice")

    def _send(self, stream: str, number: int) -> event_pb2.Position | None:
        self._told.sent.setdefault(stream, set()).add(number)
        answer = self._told.does(
            "IngestEvents",
            lambda: self._calls.ingest_events(
                user_id=stream,
                from_position=str(number or ""),
                to_position=str(number + 1),
                events=batch(stream, number),
            ),
        )
        if answer is not None:
            self._told.kept.setdefault(stream, set()).add(number)
        return answer


class Registrar:
    """Has files of its own, whose versions it registers and lets the admin verify."""

    def __init__(
        self, client: AuditorClient, told: Told, dice: random.Random, admin: AuditorClient
    ) -> None:
        self._client, self._told, self._dice, self._admin = client, told, dice, admin
        self._number = 0

    def step(self) -> None:
        """A new version of some file, and whether it is what was registered."""
        self._number += 1
        item_id = f"own-{self._dice.randrange(60)}"
        digest = sha1_of(f"{item_id} {self._number}")
        item = file_named(item_id, BEGAN_MS + self._number)
        item.name = f"version {self._number}"
        self._told.does(
            "UpsertItem",
            lambda: self._client.item.upsert_item(item),
            {("name", item_id): item.name},
        )
        registered = self._told.does(
            "RegisterItem",
            lambda: self._client.verification.register_item(
                item_id=item_id, sha1_hash=digest, version_id=str(self._number)
            ),
            {("digest", item_id): digest},
        )
        if registered is None or not self._told.is_sure(("digest", item_id)):
            return
        try:
            verdict = self._admin.verification.verify_item(item_id=item_id, sha1_hash=digest)
        except AuditorError:
            self._told.count("verdicts missed")
            return
        self._told.count("verdicts")
        if verdict.tampering_status != "NOT_TAMPERED":
            self._told.odd.append(f"{item_id}: {verdict}")
