"""Which mistakes must the simulator notice in a replicated register?

Each is one that somebody could make, or has made.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tests.simulation.parts.scheduler import TURN, ask
from tests.simulation.register.client import Client, NotDoneError, UnknownError
from tests.simulation.register.node import Node
from tests.simulation.register.records import Records
from tests.simulation.register.words import NOTHING, Found, Held, Keep, Kept, Tag

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.simulation.parts.messages import Letter
    from tests.simulation.register.words import Round

# What is replaced: where, which attribute, by what.
Patches = list[tuple[object, str, Any]]


async def _keep_and_sync_later(self: Node, letter: Letter, question: Keep) -> None:
    records = self.records
    if question.held.tag > records.get(question.register).tag:
        records.append(question.register, question.held)
        records.take(question.register, question.held)
        self.reply(letter, Kept(question.round))
        await ask(TURN)
        records.sync()
    else:
        self.reply(letter, Kept(question.round))


async def _read_without_writing_back(self: Client, register: int) -> int | None:
    return (await self.look(register)).value


def _one_is_enough(self: Client) -> int:
    return 1


def _tag_without_client(self: Client, newest: Tag) -> Tag:
    self.last_counter = max(self.last_counter, newest.counter) + 1
    return Tag(self.last_counter, 0)


async def _write_without_looking(self: Client, register: int, value: int) -> None:
    await self.keep(register, Held(self.next_tag(NOTHING.tag), value))


def _next_tag_after_what_was_found(self: Client, newest: Tag) -> Tag:
    return Tag(newest.counter + 1, self.number)


async def _keep_older_too(self: Node, letter: Letter, question: Keep) -> None:
    if question.held.value is not None and question.held != self.records.get(question.register):
        self.records.append(question.register, question.held)
        await ask(TURN)
        self.records.sync()
        self.records.newest[question.register] = question.held
    self.reply(letter, Kept(question.round))


_keep = Client.keep


async def _unknown_told_as_failed(self: Client, register: int, held: Held) -> None:
    try:
        await _keep(self, register, held)
    except UnknownError as error:
        raise NotDoneError from error


def _any_answer(content: object, round_: Round) -> bool:
    return isinstance(content, Found | Kept)


def _always_whole(data: bytes) -> bool:
    return True


def _left_in_place(self: Records, whole: int) -> None:
    """Leave the torn record where it is."""


PLANTED: Final[Mapping[str, Patches]] = {
    "acknowledged before the sync": [(Node, "keep", _keep_and_sync_later)],
    "read without write-back": [(Client, "read", _read_without_writing_back)],
    "one is a majority": [(Client, "enough", _one_is_enough)],
    "tag without the client": [(Client, "next_tag", _tag_without_client)],
    "write without reading the highest tag": [(Client, "write", _write_without_looking)],
    "older tag taken": [(Node, "keep", _keep_older_too)],
    "unknown told as failed": [(Client, "keep", _unknown_told_as_failed)],
    "own unfinished write forgotten": [(Client, "next_tag", _next_tag_after_what_was_found)],
    "answer of an earlier round counted": [(Client, "is_answer", staticmethod(_any_answer))],
    "torn record believed": [(Records, "is_whole", staticmethod(_always_whole))],
    "torn record left in place": [(Records, "cut_off", _left_in_place)],
}


@contextmanager
def plant(name: str | None) -> Iterator[None]:
    """Put a bug into the protocol for a while; None: none."""
    with ExitStack() as stack:
        for place, attribute, wrong in PLANTED[name] if name is not None else ():
            stack.enter_context(patch.object(place, attribute, wrong))
        yield
