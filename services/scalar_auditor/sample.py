"""What do databases of demonstrations and load tests hold? People, files, events and audit sets.

The same seed gives the same sample. It gets in through the services' own calls, so that all that
holds of a database holds of it; what is in already stays, so a load that was broken off is run
again.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

from scalar_auditor.client.errors import AuditorError
from scalar_auditor.rpc.v1 import audit_pb2, event_pb2, item_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from scalar_auditor.client import AuditorClient

    Progress = Callable[[str, int, int], None]

T = TypeVar("T")

_FOLDER_OF_EVERY: Final = 20  # items, one is a folder
_STREAMS: Final = 8  # people of the cloud drive, whose events come in beside one another
_BATCH: Final = 100  # events in one transaction
_DAYS: Final = 30  # over which events are spread
_DAY_MS: Final = 86_400_000
_MOST_IN_A_SET: Final = 500
_KINDS: Final = ("EDIT", "DOWNLOAD", "PREVIEW", "RENAME", "SHARE")
_SUBJECTS: Final = ("contracts", "invoices", "minutes", "payroll", "patents", "tenders")
ORGANIZATION: Final = "sample"


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is. ``events`` has to be at least ``items``: each begins with one."""

    items: int = 10_000
    events: int = 100_000
    sets: int = 50
    users: int = 200

    def __post_init__(self) -> None:
        for name, least in (("items", 1), ("events", self.items), ("sets", 0), ("users", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"a sample has at least {least} {name}")


@dataclass(frozen=True, slots=True)
class Person:
    """An account to be made."""

    email: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Set:
    """An audit set to be made. ``people``: their roles on it, by e-mail; not its owner's."""

    audit_set_id: str
    name: str
    owner: str
    people: dict[str, str]
    items: list[str]


@dataclass(frozen=True, slots=True)
class Sample:
    """All of it, made anew whenever it is asked for. ``until_ms``: when its last event was."""

    size: Size
    until_ms: int
    seed: int = 1

    def people(self) -> list[Person]:
        """The accounts: one in ten is an outside auditor."""
        return [
            Person(
                f"person{number:04}@sample.example",
                f"Person {number}",
                "EXTERNAL_AUDITOR" if number % 10 == 9 else "GENERAL_USER",
            )
            for number in range(self.size.users)
        ]

    def items(self) -> Iterator[item_pb2.Item]:
        """The items as they are first, each behind the folder that it lies in."""
        dice = random.Random(f"items {self.seed}")  # noqa: S311  # no secret
        folders: list[str] = []
        people = self.people()
        for number in range(self.size.items):
            item_id = self._item_id(number)
            is_folder = number % _FOLDER_OF_EVERY == 0
            owner = people[number % len(people)].email
            yield item_pb2.Item(
                item_id=item_id,
                item_type="FOLDER" if is_folder else "FILE",
                name=f"{dice.choice(_SUBJECTS)} {number}" + ("" if is_folder else ".pdf"),
                parent_id=dice.choice(folders) if folders else "",
                sha1_hash="" if is_folder else self.digest(item_id),
                size=0 if is_folder else dice.randrange(1_000, 5_000_000),
                owner_id=owner.partition("@")[0],
                owner_email=owner,
                version_id=f"{item_id}-1",
                created_at=self._begin,
                modified_at=self._begin,
            )
            if is_folder:
                folders.append(item_id)

    def digest(self, item_id: str) -> str:
        """The SHA-1 of a file."""
        return hashlib.sha1(f"{self.seed} {item_id}".encode(), usedforsecurity=False).hexdigest()

    def events(self) -> Iterator[event_pb2.Event]:
        """The events, oldest first: each item is uploaded, then things happen to them."""
        dice = random.Random(f"events {self.seed}")  # noqa: S311  # no secret
        people = self.people()
        step = max(1, _DAYS * _DAY_MS // (self.size.events + 1))
        uploads = self.items()
        for number in range(self.size.events):
            item = next(uploads, None)
            who = dice.choice(people).email
            event = event_pb2.Event(
                source_id=f"sample{self.seed}-{number}",
                user_id=who.partition("@")[0],
                user_email=who,
                created_at=self._begin + step * (number + 1),
            )
            if item is None:
                event.event_type = dice.choice(_KINDS)
                event.item_id = self._item_id(dice.randrange(self.size.items))
            else:
                event.event_type = "CREATE" if item.item_type == "FOLDER" else "UPLOAD"
                event.item_id, event.item_type = item.item_id, item.item_type
                event.item_name = item.name
                event.item.CopyFrom(item)
            yield event

    def sets(self) -> Iterator[Set]:
        """The audit sets, each with an owner, some people and some files."""
        dice = random.Random(f"sets {self.seed}")  # noqa: S311  # no secret
        people = self.people()
        inside = [one.email for one in people if one.role == "GENERAL_USER"]
        files = [n for n in range(self.size.items) if n % _FOLDER_OF_EVERY]
        share = min(_MOST_IN_A_SET, max(1, 2 * len(files) // max(1, self.size.sets)))
        for number in range(self.size.sets):
            owner = inside[number % len(inside)]
            others = [one for one in dice.sample(people, min(5, len(people))) if one.email != owner]
            roles = {
                one.email: "REVIEWER" if one.role == "EXTERNAL_AUDITOR" else "MEMBER"
                for one in others
            }
            chosen = sorted(dice.sample(files, min(share, len(files))))
            yield Set(
                f"sample{self.seed}-set-{number:03}",
                f"Audit {number}: {dice.choice(_SUBJECTS)}",
                owner,
                roles,
                [self._item_id(one) for one in chosen],
            )

    @property
    def _begin(self) -> int:
        return self.until_ms - _DAYS * _DAY_MS

    def _item_id(self, number: int) -> str:
        return f"sample{self.seed}-{number}"


@dataclass(slots=True)
class Loaded:
    """How much of each kind is in now."""

    counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, kind: str, count: int) -> int:
        """So many more are in; how many there are now."""
        with self._lock:
            self.counts[kind] += count
            return self.counts[kind]


def load(
    sample: Sample,
    admin: AuditorClient,
    service: AuditorClient,
    *,
    password: str | None = None,
    progress: Progress = lambda *_: None,
    threads: int = 8,
) -> Loaded:
    """Get a sample in, as an AUDIT_ADMIN and with a SERVICE token; what is in already stays.

    ``password``: of all people; None: of chance, one each, that nobody knows. ``progress`` is told
    what is loaded, how much of it is, and how much there will be. AuditorError.
    """
    loaded = Loaded()

    def each(kind: str, work: Callable[[T], object], among: Sequence[T]) -> None:
        with ThreadPoolExecutor(threads) as pool:
            progress(kind, 0, len(among))
            for _ in pool.map(work, among):
                progress(kind, loaded.add(kind, 1), len(among))

    _unless_there(lambda: admin.identity.create_organization(name="Sample", org_id=ORGANIZATION))
    # One password is hashed at a time a node: more threads would be turned away.
    for number, person in enumerate(sample.people()):
        progress("people", number, sample.size.users)
        _register(admin, person, password)
        loaded.add("people", 1)
    progress("people", sample.size.users, sample.size.users)
    _load_events(sample, service, loaded, progress)
    sets = list(sample.sets())
    monitored = sorted({item for one in sets for item in one.items})
    each("digests", lambda item: _monitor(service, sample, item), monitored)
    each("sets", lambda one: _make_set(admin, one), sets)
    return loaded


def _register(admin: AuditorClient, person: Person, password: str | None) -> None:
    _unless_there(
        lambda: admin.identity.register_user(
            user_email=person.email,
            name=person.name,
            password=password or secrets.token_urlsafe(24),
            user_type="EXTERNAL" if person.role == "EXTERNAL_AUDITOR" else "INTERNAL",
            org_id=ORGANIZATION,
            roles=[person.role],
        )
    )


def _load_events(
    sample: Sample, service: AuditorClient, loaded: Loaded, progress: Progress
) -> None:
    """Events of the first stream first: with them all items come in, folders before their files."""
    total = sample.size.events

    def told(count: int) -> None:
        progress("events", loaded.add("events", count), total)

    progress("events", 0, total)
    events = sample.events()
    _ingest(service, f"sample{sample.seed}-0", islice(events, sample.size.items), told)
    rest = list(events)
    with ThreadPoolExecutor(_STREAMS) as pool:
        parts = [(f"sample{sample.seed}-{n + 1}", rest[n::_STREAMS]) for n in range(_STREAMS)]
        for _ in pool.map(lambda part: _ingest(service, part[0], part[1], told), parts):
            continue


def _ingest(
    service: AuditorClient,
    user_id: str,
    events: Iterable[event_pb2.Event],
    told: Callable[[int], None],
) -> None:
    """One stream, from where it was taken in to its end. A position is how many are in."""
    stored = service.event.get_position(user_id=user_id).stream_position
    done = int(stored or 0)
    rest = iter(events)
    told(sum(1 for _ in islice(rest, done)))
    while batch := list(islice(rest, _BATCH)):
        service.event.ingest_events(
            user_id=user_id,
            from_position=str(done) if done else "",
            to_position=str(done + len(batch)),
            events=batch,
        )
        done += len(batch)
        told(len(batch))


def _monitor(service: AuditorClient, sample: Sample, item_id: str) -> None:
    service.verification.register_item(
        item_id=item_id, sha1_hash=sample.digest(item_id), version_id=f"{item_id}-1"
    )


def _make_set(admin: AuditorClient, wanted: Set) -> None:
    _unless_there(
        lambda: admin.audit.create_audit_set(name=wanted.name, audit_set_id=wanted.audit_set_id)
    )
    admin.audit.add_items(audit_set_id=wanted.audit_set_id, item_ids=wanted.items)
    people = [
        audit_pb2.NewCollaborator(user_email=email, role=role)
        for email, role in wanted.people.items()
    ]
    if people:
        admin.audit.add_collaborators(audit_set_id=wanted.audit_set_id, collaborators=people)
    found = admin.audit.get_audit_set(audit_set_id=wanted.audit_set_id)
    if found.owner_email != wanted.owner:
        admin.audit.transfer_ownership(audit_set_id=wanted.audit_set_id, user_email=wanted.owner)


def _unless_there(make: Callable[[], object]) -> None:
    try:
        make()
    except AuditorError as error:
        if error.code != "ALREADY_EXISTS":
            raise
