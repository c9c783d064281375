"""How is a scenario written, and who plays it?

A script is a list of commands, several on a line if two spaces or more part them. What the last one
answers stands behind ``->``; without that it must not fail. ``#`` begins a comment. The words:

    levels SNAPSHOT SERIALIZABLE   the isolation levels at which the whole script is played
    === a title                    begins another case, in a fresh database
    [SNAPSHOT] command …           this line at these levels only
    begin A [LEVEL] [read-only]    a transaction whose id is its name
    get A accounts/7 [where …]     by key; get A items kind=toy: by an index
    gets A accounts/7 accounts/8   in one batch
    scan A items/s [from n] [to n] [limit n] [desc] [where …]    also kind=toy, or: all [by -price]
    open A items/s …   next A   close A                          a scanner, page by page
    insert|upsert|update|put|blind A accounts/7 90 [name=x] [if …]    blind: a put of an unread key
    delete A accounts/7 [if …]
    prepare A                      commits up to just before the decision
    decide A                       commits up to just before the records are finished
    until STEP A                   commits up to just before a storage call of that step
    commit A   rollback A   crash A
    confirm A                      looks whether what A has read still holds
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

Call by call. In a case that begins with a line ``world …`` nothing is in the tables at first, they
lie in memory, every transaction has a process of its own, and its storage calls may be let go one
at a time. Pauses take no time and background work waits until it is its turn. The words:

    world [unit=RECORD|PARTITION] [page=2] [storages=2] [moments] [lagging] [knowing]
                                   what one atomic write may span; rows in a page (100); receipts,
                                   odd and items in a second storage; the storage can be read as it
                                   was at one moment; its indexes learn of changes later; all
                                   transactions know what one of them has read of decisions
    given accounts/7 100           a committed record, before anything begins
    start COMMAND                  begins any command of a transaction, and settle, and goes on to
                                   just before its first storage call: start get A accounts/7
    step A                         that call takes effect and is answered; A goes on to just before
                                   its next one. Answers … or, if the command has ended, as it does
    step A.2   step A~1            the second of A's parallel calls; its first work in background
    step A lose|fail|busy|down     the call takes effect but its reply is lost; it never arrives and
                                   nobody knows; it is refused as busy; the storage can't be reached
    step A … x3                    three times
    step A late   arrive A [2]     its reply is lost, the effect waits; the (second) effect comes
    finish A                       lets go all calls of the command, parallel ones in their order
    background runs                lets go all calls of all work in the background
    clock +16s   clock A -4s       time passes; from now on A's clock is that much more behind
    index guests/1                 an index that lags learns how the record is now

A command without ``start`` is finished at once; one that comes while another of its transaction is
running finishes that one first. A step where nothing waits answers so and does no harm.
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
    world: tuple[str, ...] | None = None  # the words of its line ``world …``: played call by call


class ScriptError(AssertionError):
    """A line that can't be played, or answered otherwise than expected."""


def _levels(words: list[str], number: int) -> tuple[Isolation, ...]:
    try:
        return tuple(Isolation[word] for word in words)
    except KeyError as error:
        raise ScriptError(f"line {number}: {error} is no isolation level") from None


def read_script(path: Path) -> list[Case]:
    """The cases of a file."""
    return read_cases(path.stem, path.read_text(encoding="utf-8"))


def read_cases(title: str, script: str) -> list[Case]:
    """The cases of a script; ``title`` is the first one's."""
    levels = LEVELS
    cases = [Case(title)]
    for number, text in enumerate(script.splitlines(), 1):
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
        elif line.split()[:1] == ["world"]:
            if cases[-1].lines:
                raise ScriptError(f"line {number}: a world is made before anything happens in it")
            cases[-1].world = tuple(line.split()[1:])
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
