"""What does an entry of BOX's event stream say, and how is a recorded stream read?

A recorded stream is a folder's files, in the order of their names, each an answer of BOX's
``GET /2.0/events``: ``chunk_size``, ``next_stream_position``, ``entries``.

- A file's or folder's own events carry it whole (``source.type`` is ``file`` or ``folder``): its
  name, parent, digest, size and owner are what the item is from then on. Those of an enterprise's
  log name it only (``source.item_type``).
- The ids of files and folders are taken to differ, as BOX's do in practice.
- The root folder, ``0``, is everybody's own: what lies there is a root here.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.event.importer import Chunk
from scalar_auditor.event.messages import LONGEST_DETAILS
from scalar_auditor.item.tree import FILE, FOLDER
from scalar_auditor.rpc.v1 import event_pb2, item_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# BOX's names of what happened, where they are not ours.
EVENT_TYPES: Final[Mapping[str, str]] = {
    "ITEM_COPY": "COPY",
    "ITEM_CREATE": "CREATE",
    "ITEM_DOWNLOAD": "DOWNLOAD",
    "ITEM_MAKE_CURRENT_VERSION": "RESTORE_VERSION",
    "ITEM_MODIFY": "EDIT",
    "ITEM_MOVE": "MOVE",
    "ITEM_OPEN": "PREVIEW",
    "ITEM_PREVIEW": "PREVIEW",
    "ITEM_RENAME": "RENAME",
    "ITEM_SHARED": "SHARE",
    "ITEM_SHARED_UNSHARE": "UNSHARE",
    "ITEM_TRASH": "DELETE",
    "ITEM_UNDELETE_VIA_TRASH": "UNDELETE",
    "ITEM_UPLOAD": "UPLOAD",
}
_ITEM_TYPES: Final = {"file": FILE, "folder": FOLDER}
_GONE: Final = {"trashed", "deleted"}
_ROOT: Final = "0"
_SHA1: Final = re.compile(r"[0-9a-f]{40}")


class RecordedStream:
    """The files of a recorded stream as a source of events. Each file is read when it is needed.

    OSError: a file can't be read; ValueError: it is no answer of BOX, or the positions of two
    files contradict each other. Both name the file.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._behind: dict[str, Path] = {}  # the file to read at a position
        position = ""
        for file in files:
            answer = _answer(file)
            following = _next_position(answer, file)
            if not answer["entries"] and following == position:
                continue  # nothing had happened when this was asked
            if following == position or following in self._behind:
                raise ValueError(f"{file}: next_stream_position {following} was there before")
            self._behind[position] = file
            position = following
        self._last = position

    def read(self, position: str) -> Chunk | None:
        """What follows a position. LookupError: no file begins or ends there."""
        file = self._behind.get(position)
        if file is None:
            if position == self._last:
                return None
            raise LookupError(
                f"no file of the recorded stream ends at the position {position!r}: "
                "give all files that were recorded since"
            )
        answer = _answer(file)
        entries = [
            _entry(entry, f"{file}: entries[{number}]")
            for number, entry in enumerate(answer["entries"])
        ]
        return Chunk(entries, _next_position(answer, file))


def _answer(file: Path) -> Any:
    try:
        answer = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: it is no JSON: {error}") from error
    if isinstance(answer, dict) and isinstance(answer.get("entries"), list):
        return answer
    raise ValueError(f"{file}: it has no entries, as an answer of BOX's events has")


def _next_position(answer: Any, file: Path) -> str:
    position = answer.get("next_stream_position")
    if isinstance(position, bool) or not isinstance(position, int | str) or position == "":
        raise ValueError(f"{file}: it has no next_stream_position")
    return str(position)


def _entry(entry: Any, place: str) -> event_pb2.Event:
    try:
        return event_of(entry)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{place}: it is no event of BOX: {error!r}") from error


def event_of(entry: Mapping[str, Any]) -> event_pb2.Event:
    """An entry as an event. ValueError, TypeError, KeyError, AttributeError: it is none."""
    created_at = _milliseconds(entry["created_at"])
    who = entry.get("created_by") or {}
    source = entry.get("source") or {}
    kind = str(entry["event_type"])
    item_id = str(source.get("item_id") or (source.get("id") if _type_of(source) else "") or "")
    event = event_pb2.Event(
        event_type=EVENT_TYPES.get(kind, kind),
        item_id=item_id,
        item_type=_type_of(source) if item_id else "",
        item_name=_line(source.get("item_name") or source.get("name") or "") if item_id else "",
        user_id=str(who.get("id") or ""),
        user_email=_email(who),
        source_id=str(entry["event_id"]),
        additional_details=_details(entry),
        created_at=created_at,
    )
    if item_id and source.get("type") in _ITEM_TYPES and event.item_name:
        event.item.CopyFrom(_item(source, event))
    return event


def _item(source: Mapping[str, Any], event: event_pb2.Event) -> item_pb2.Item:
    owner = source.get("owned_by") or {}
    parent_id = str((source.get("parent") or {}).get("id") or "")
    sha1_hash = str(source.get("sha1") or "").lower()
    return item_pb2.Item(
        item_id=event.item_id,
        item_type=event.item_type,
        name=event.item_name,
        parent_id="" if parent_id in (_ROOT, event.item_id) else parent_id,
        sha1_hash=sha1_hash if _SHA1.fullmatch(sha1_hash) else "",
        size=int(source.get("size") or 0),
        owner_id=str(owner.get("id") or ""),
        owner_email=_email(owner),
        version_id=str((source.get("file_version") or {}).get("id") or ""),
        deleted=event.event_type == "DELETE" or source.get("item_status") in _GONE,
        created_at=_milliseconds(source["created_at"]) if source.get("created_at") else 0,
        # The event's own time, by which it stands in order: the item's is that of its content.
        modified_at=event.created_at,
    )


def _type_of(source: Mapping[str, Any]) -> str:
    return _ITEM_TYPES.get(str(source.get("item_type") or source.get("type") or ""), "")


def _milliseconds(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no zone")
    return int(moment.timestamp() * 1000)


def _line(text: str) -> str:
    """A name as it can be kept: one line, of signs that can be shown."""
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in str(text))
    return shown[: fields.LONGEST_NAME].strip()


def _email(person: Mapping[str, Any]) -> str:
    """A person's e-mail address; an automatic user's log-in is none."""
    try:
        return fields.email("login", str(person.get("login") or ""))
    except InvalidArgumentError:
        return ""


def _details(entry: Mapping[str, Any]) -> str:
    """What else is known of an event, as JSON, as far as it can be kept."""
    known = {
        name: entry[name]
        for name in ("additional_details", "session_id", "ip_address", "recorded_at")
        if entry.get(name)
    }
    text = json.dumps(known, ensure_ascii=False, sort_keys=True) if known else ""
    # Half a sign, as a text has that was cut within an escape, can't be sent.
    text = text.encode(errors="replace").decode()
    if len(text) <= LONGEST_DETAILS and "\x00" not in text:
        return text
    return json.dumps({"left_out_characters": len(text)})
