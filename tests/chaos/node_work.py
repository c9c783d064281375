"""How do a client on asyncio, and a script, do the work that writers do?

The work is that of ``bank``. A script has no id before it has run, so its marker bears the element
instead; the node wrote the script's id beside it, among the columns of the protocol.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import scalar_tx
from tests.chaos import lists
from tests.chaos.bank import ACCOUNT, MARKER, NOTE

if TYPE_CHECKING:
    from tests.chaos.bank import Work


async def do(tx: scalar_tx.AsyncTransaction, work: Work, element: str) -> lists.Operations:
    """As ``bank.do``."""
    erased = None
    done: lists.Operations = []
    if work.kind == "transfer":
        await _transfer(tx, work)
    elif work.kind == "note":
        erased = await _turn_note(tx, work.number)
    else:
        done = await _append(tx, work.deeds, element)
    await tx.insert(MARKER, {"id": tx.id, **asdict(work), "erased": erased})
    return done


async def _transfer(tx: scalar_tx.AsyncTransaction, work: Work) -> None:
    for number, change in ((work.source, -work.amount), (work.target, work.amount)):
        key = {"bank": work.bank, "id": number}
        found = await tx.get(ACCOUNT, key)
        assert found is not None, "accounts are never removed"
        balance = found["balance"]
        assert isinstance(balance, int)
        await tx.update(ACCOUNT, key, {"balance": balance + change})


async def _turn_note(tx: scalar_tx.AsyncTransaction, number: int) -> str | None:
    found = await tx.get(NOTE, {"number": number})
    if found is None:
        await tx.insert(NOTE, {"number": number, "written_by": tx.id})
        return None
    await tx.delete(NOTE, {"number": number})
    return str(found["written_by"])


async def _append(tx: scalar_tx.AsyncTransaction, deeds: str, element: str) -> lists.Operations:
    done: lists.Operations = []
    for deed in deeds.split():
        part, _, number = deed[1:].partition(".")
        table = lists.table_of(int(part))
        if deed[0] == "s":
            rows = await tx.scan(table, {"part": int(part)})
            done += _scanned(part, rows)
            continue
        key = {"part": int(part), "id": int(number)}
        before = lists.elements_of(await tx.get(table, key))
        done.append(("r", deed[1:], before))
        if deed[0] == "a":
            await tx.upsert(table, {**key, "elements": " ".join((*before, element))})
            done.append(("append", deed[1:], element))
    return done


def _scanned(part: str, rows: list[scalar_tx.Record]) -> lists.Operations:
    found = {row["id"]: row for row in rows}
    return [("r", f"{part}.{one}", lists.elements_of(found.get(one))) for one in lists.IDS]


def script_of(work: Work, element: str) -> scalar_tx.Script:
    """The same as a script; of a note there is none, since it would have to choose."""
    script = scalar_tx.Script()
    if work.kind == "transfer":
        for account, change in ((work.source, -work.amount), (work.target, work.amount)):
            key = {"bank": work.bank, "id": account}
            read = script.get(ACCOUNT, key)
            script.require(read.found, "accounts are never removed")
            script.update(ACCOUNT, key, {"balance": read["balance"] + change})
    else:
        assert work.kind == "lists"
        for deed in work.deeds.split():
            part, _, number = deed[1:].partition(".")
            table = lists.table_of(int(part))
            if deed[0] == "s":
                script.scan(table, {"part": int(part)})
                continue
            place = {"part": int(part), "id": int(number)}
            read = script.get(table, place)
            if deed[0] == "a":
                longer = read["elements"].coalesce("").concat(f" {element}")
                script.upsert(table, {**place, "elements": longer})
    script.insert(MARKER, {"id": element, **asdict(work), "erased": None})
    return script


def done_by(work: Work, element: str, found: scalar_tx.ScriptResult) -> lists.Operations:
    """What a script did to lists, and saw of them, if its node could still say."""
    if work.kind != "lists":
        return []
    if not found.complete:
        return [("append", name, element) for name in lists.appended_to(work.deeds)]
    done: lists.Operations = []
    at = 0
    for deed in work.deeds.split():
        if deed[0] == "s":
            done += _scanned(deed[1:], found[at])
        else:
            done.append(("r", deed[1:], lists.elements_of(found[at])))
            if deed[0] == "a":
                at += 1
                done.append(("append", deed[1:], element))
        at += 1
    return done
