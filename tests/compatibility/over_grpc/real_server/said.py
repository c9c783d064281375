"""What do two servers of one protocol answer to the same requests?

A conversation is a list of steps: calls of one answer, messages on streams that have a name. What
is heard becomes plain lists and mappings, without what may differ on every run: the order of a
result's columns, ids that a server has made up, and how a text shows an operation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.json_format import MessageToDict

from tests.cluster.scalardb_server.served import Client

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.cluster.scalardb_server.served import Talk

Heard = tuple[Any, ...]
_MADE_UP = 36  # characters of a random UUID
# How an operation is shown, behind one of these, is no part of the protocol.
_SHOWN = re.compile(r"(Operation: |Mutations: |Column: |enable implicit pre-read: ).*", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A call of one answer."""

    method: str
    request: Any
    differs: str = ""


@dataclass(frozen=True)
class Say:
    """A message on a stream, which is opened by its first; ``unordered``: in no order."""

    stream: str
    method: str
    request: Any
    unordered: bool = False
    differs: str = ""


@dataclass(frozen=True)
class End:
    """How does the server end the stream?"""

    stream: str
    differs: str = ""


Step = Call | Say | End


def differs(why: str, step: Step) -> Step:
    """A step to which the two servers answer differently on purpose."""
    return replace(step, differs=why)


class Hearing:
    """A client of one server."""

    def __init__(self, port: int) -> None:
        self._client = Client(port)

    def of(self, steps: Iterable[Step]) -> list[Heard]:
        """What is answered to each step; streams that are open at the end are cancelled."""
        talks: dict[str, Talk] = {}
        try:
            return [self._of(step, talks) for step in steps]
        finally:
            for talk in talks.values():
                talk.cancel()

    def _of(self, step: Step, talks: dict[str, Talk]) -> Heard:
        try:
            match step:
                case Call():
                    return "answer", _plain(self._client.call(step.method, step.request))
                case Say():
                    if step.stream not in talks:
                        talks[step.stream] = self._client.stream(step.method)
                    found = _plain(talks[step.stream].ask(step.request))
                    return "answer", _sorted(found) if step.unordered else found
                case End():
                    code, text = talks[step.stream].end()
                    return "end", code.name, _text(text)
        except grpc.RpcError as error:
            return "status", error.code().name, _text(error.details())
        except AssertionError as error:
            return "surprise", str(error)

    def close(self) -> None:
        self._client.close()


def _text(told: str | None) -> str:
    return _SHOWN.sub("", told or "")


def _plain(message: Any) -> Any:
    return _without_chance(MessageToDict(message, preserving_proto_field_name=True))


def _without_chance(found: Any) -> Any:
    if isinstance(found, list):
        return [_without_chance(one) for one in found]
    if not isinstance(found, dict):
        return found
    plain = {name: _without_chance(one) for name, one in found.items()}
    for columns in ("columns", "value"):
        if isinstance(several := plain.get(columns), list):
            plain[columns] = sorted(several, key=lambda one: one["name"])
    if isinstance(names := plain.get("table_names"), list):
        plain["table_names"] = sorted(names)
    if "message" in plain:
        plain["message"] = _text(plain["message"])
    if len(plain.get("transaction_id", "")) == _MADE_UP:
        plain["transaction_id"] = "made up"
    return plain


def _sorted(found: Any) -> Any:
    for part in found.values():
        if "results" in part:
            part["results"].sort(key=str)
    return found
