"""How is a scenario written, and who plays it?

A script is a list of commands, several on a line if two spaces or more part them. What the last one
answers stands behind ``->``; without that it must not fail. ``#`` begins a comment. The words:

    levels SNAPSHOT SERIALIZABLE   the isolation levels at which the whole script is played
    === a title                    begins another case, in a fresh database
    [SNAPSHOT] command …           this line at these levels only
    begin A [LEVEL] [read-only]    a transaction whose id is its name
    get A accounts/7 [where …]     by key; get A items kind=toy: by an index
    scan A items/s [from n] [to n] [limit n] [desc] [where …]    also kind=toy, or: all [by -price]
    open A items/s …   next A   close A                          a scanner, page by page
    insert|upsert|update|put|blind A accounts/7 90 [name=x] [if …]    blind: a put of an unread key
    delete A accounts/7 [if …]
    prepare A                      commits up to just before the decision
    decide A                       commits up to just before the records are finished
    until STEP A                   commits up to just before a storage call of that step
    commit A   rollback A   crash A
    settle A   state A   recover accounts/7
    record accounts/7              the stored row in words; cells: its columns that are not NULL
    remember accounts/7 …          changed accounts/7 -> no: byte for byte, technical columns too
    coordinator A                  the decision row under that key
    write accounts/7 column=value …     the stored row, by hand; also: write coordinator A …
    erase accounts/7   erase coordinator A
    clock +16s
    background held|runs           what recovery does in the background
    fail|busy|lose [all|N] STEP [of A]  the next calls of that step: never arrive and nobody knows,
                                   are refused as busy, take effect but their reply is lost
    heal                           forgets all faults
    calls A                        the storage calls of A since this was last asked

Steps are read, prepare, commit-state, abort-state, read-state, commit, rollback.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = tuple(Isolation)


@dataclass(frozen=True)
class Line:
    """One line: its commands and what the last one must answer (None: it must not fail)."""

    number: int
    commands: tuple[str, ...]
    expected: str | None
    levels: tuple[Isolation, ...] = LEVELS


@dataclass
class Case:
    """A title and the lines that are played in one database."""

    title: str
    levels: tuple[Isolation, ...] = LEVELS
    lines: list[Line] = field(default_factory=list)


class ScriptError(AssertionError):
    """A line that can't be played, or answered otherwise than expected."""


def _levels(words: list[str], number: int) -> tuple[Isolation, ...]:
    try:
        return tuple(Isolation[word] for word in words)
    except KeyError as error:
        raise ScriptError(f"line {number}: {error} is no isolation level") from None


def read_script(path: Path) -> list[Case]:
    """The cases of a file."""
    levels = LEVELS
    cases = [Case(path.stem)]
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = text.partition("#")[0].strip()
        only: tuple[Isolation, ...] = LEVELS
        if line.startswith("["):
            inside, _, line = line[1:].partition("]")
            only = _levels(inside.split(), number)
        if line.startswith("==="):
            cases.append(Case(line.strip("= "), levels))
        elif line.startswith("levels "):
            cases[-1].levels = _levels(line.split()[1:], number)
            if not cases[-1].lines and len(cases) == 1:
                levels = cases[-1].levels
        elif line:
            commands, arrow, expected = line.partition("->")
            cases[-1].lines.append(
                Line(
                    number,
                    tuple(re.split(r"\s{2,}", commands.strip())),
                    " ".join(expected.split()) if arrow else None,
                    only,
                )
            )
    return [case for case in cases if case.lines]
