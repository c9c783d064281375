"""What does a recorded file say, and is it a history at all?

Read with nothing but ``json``, so that the writer and the checker of the library can't be wrong
together.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.histories.record import Recording

if TYPE_CHECKING:
    from pathlib import Path

    from tests.protocol.world import World

ACCOUNT: Final = "bank.account"
ENDS: Final = {"ok", "fail", "info"}


def record(world: World, path: Path) -> Recording:
    """What ``record_history`` of a manager over these parts returns."""
    return Recording(path, world.parts.context.observers)


def lines(path: Path) -> list[dict[str, Any]]:
    """Every line of the file; each is whole."""
    text = path.read_text(encoding="ascii")
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def completions(path: Path) -> list[dict[str, Any]]:
    """The second line of each transaction."""
    return [line for line in lines(path) if line["type"] in ENDS]


def told(path: Path) -> list[tuple[str, list[list[Any]]]]:
    """How each transaction ended, and what it did."""
    return [(line["type"], line["value"]) for line in completions(path)]


def timeless(path: Path) -> str:
    """The file as it is, but for the times."""
    return re.sub(r'"time":\d+', '"time":0', path.read_text(encoding="ascii"))


def check_form(history: list[dict[str, Any]]) -> None:
    """Elle's demands: numbered, in time, and a process runs one transaction after the other."""
    running: set[int] = set()
    gone: set[int] = set()
    assert [line["index"] for line in history] == list(range(len(history)))
    assert [line["time"] for line in history] == sorted(line["time"] for line in history)
    for line in history:
        process = line["process"]
        assert line["f"] == "txn"
        if line["type"] == "invoke":
            assert process not in running | gone, line
            assert line["value"] == []
            running.add(process)
        else:
            assert line["type"] in ENDS
            running.remove(process)
            if line["type"] == "info":
                gone.add(process)
    assert not running, "a transaction has no second line"


def chains(history: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The versions of each record that were committed, in order; a fork or a gap is an error.

    Only for histories in which nothing is deleted: the version before the first is null.
    """
    follower: dict[str, dict[str | None, str]] = defaultdict(dict)
    for line in history:
        if line["type"] != "ok":
            continue
        latest: dict[str, str | None] = {}
        for kind, register, value in line["value"]:
            if kind == "r":
                latest[register] = value
                continue
            assert value == line["id"]
            assert register in latest, "nothing is known of what was replaced"
            replaced = latest[register]
            assert replaced not in follower[register], f"two replaced {replaced} of {register}"
            follower[register][replaced] = value
    found: dict[str, list[str]] = {}
    for register, after in follower.items():
        version: str | None = None
        found[register] = []
        while version in after:
            version = after[version]
            found[register].append(version)
        assert len(found[register]) == len(after), f"the chain of {register} is broken"
    return found
