"""How does a stream of events get in, each once, whatever breaks off in between?

The position that is stored together with the events is the only one that counts: an importer begins
there, and goes back there whenever a call has failed. So two importers of one stream do no harm,
nor does one that is killed.

A chunk of the source may be more than a batch. A position inside it is the position that the chunk
is read at, ``+``, and how many of its entries were taken in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from scalar_auditor.event.messages import MOST_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scalar_auditor.rpc.v1 import event_pb2

_INSIDE: Final = "+"


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a source holds behind a position. An entry that is no event of ours is None."""

    entries: Sequence[event_pb2.Event | None]
    next_position: str


class EventSource(Protocol):
    """Where a user's events come from."""

    def read(self, position: str) -> Chunk | None:
        """What follows a position, always the same; "": the beginning; None: nothing yet.

        LookupError: there is no such position. No position holds a ``+``.
        """
        ...


class EventCalls(Protocol):
    """The calls of EventService that an importer makes, such as a client's."""

    def get_position(self, *, user_id: str) -> event_pb2.Position:
        """How far the user's stream was taken in."""
        ...

    def ingest_events(
        self,
        *,
        user_id: str,
        from_position: str,
        to_position: str,
        events: Iterable[event_pb2.Event],
    ) -> event_pb2.Position:
        """Take in a batch."""
        ...


@dataclass(slots=True)
class Imported:
    """What one importer has taken in; what others did in the meantime is not counted."""

    events: int = 0
    batches: int = 0
    position: str = ""


class Importer:
    """Takes in one user's stream. ``batch_size``: events in one transaction, 1 to 500."""

    def __init__(
        self, calls: EventCalls, source: EventSource, user_id: str, *, batch_size: int = MOST_EVENTS
    ) -> None:
        if not 1 <= batch_size <= MOST_EVENTS:
            raise ValueError(f"a batch has 1 to {MOST_EVENTS} events, not {batch_size}")
        self._calls = calls
        self._source = source
        self._user_id = user_id
        self._batch_size = batch_size

    def run(self) -> Imported:
        """Take in all that the source holds now.

        LookupError, ValueError: the source does not go on where the stored position is. What a call
        raises is raised where it has changed nothing; call again later.
        """
        imported = Imported(position=self._stored())
        at = imported.position
        while (chunk := self._source.read(_outer(at))) is not None:
            if chunk.next_position == _outer(at) or _INSIDE in chunk.next_position:
                raise ValueError(f"behind {_outer(at)!r} the source names {chunk.next_position!r}")
            at = self._take_in(chunk, at, imported)
        return imported

    def _take_in(self, chunk: Chunk, at: str, imported: Imported) -> str:
        """Take in the rest of a chunk; returns where to read on."""
        outer, begin = _outer(at), _inner(at)
        if begin > len(chunk.entries):
            raise LookupError(f"behind {outer!r} the source has no entry {begin}")
        for start in range(begin, max(len(chunk.entries), begin + 1), self._batch_size):
            end = start + self._batch_size
            to = chunk.next_position if end >= len(chunk.entries) else f"{outer}{_INSIDE}{end}"
            events = _once(chunk.entries[start:end])
            # Where no events are, nothing is stored, and the next batch begins further back.
            if not events:
                continue
            reached = self._send(imported.position, to, events)
            imported.position = reached.stream_position
            if reached.stream_position != to:
                return reached.stream_position
            if not reached.repeated_batch:
                imported.events += len(events)
                imported.batches += 1
        return chunk.next_position

    def _send(
        self, stored: str, to: str, events: Sequence[event_pb2.Event]
    ) -> event_pb2.Position | _Elsewhere:
        try:
            return self._calls.ingest_events(
                user_id=self._user_id, from_position=stored, to_position=to, events=events
            )
        except Exception:
            # Whatever it was: if the position has moved, this batch was taken in, or another
            # importer's was, and there it goes on.
            now = self._stored()
            if now == stored:
                raise
            return _Elsewhere(now)

    def _stored(self) -> str:
        return self._calls.get_position(user_id=self._user_id).stream_position


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Where the stream has got to without an answer."""

    stream_position: str
    repeated_batch: bool = True


def _outer(position: str) -> str:
    return position.partition(_INSIDE)[0]


def _inner(position: str) -> int:
    inner: Any = position.partition(_INSIDE)[2] or "0"
    return int(inner)


def _once(entries: Sequence[event_pb2.Event | None]) -> list[event_pb2.Event]:
    """The events among entries; a source may hold one twice."""
    found = {(entry.created_at, entry.source_id): entry for entry in entries if entry is not None}
    return list(found.values())
