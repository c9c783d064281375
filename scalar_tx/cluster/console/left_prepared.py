"""Which records of a table were left prepared, whose are they, and what were they before?"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from itertools import islice
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.messages.values import columns_message
from scalar_tx.consensus_commit import record
from scalar_tx.consensus_commit.left_behind import unsettled_rows
from scalar_tx.record_situation import judge

if TYPE_CHECKING:
    from scalar_tx.cluster.control import Data
    from scalar_tx.cluster.database import Database
    from scalar_tx.model.types import Row, Value
    from scalar_tx.record_situation import Situation

MOST: Final = 100  # records
SECONDS: Final = 10.0  # after which no further page is read
MOST_BYTES: Final = 300_000  # of all records but the last: one message holds them
MOST_COLUMNS: Final = 200  # of an image
_LONGEST: Final = 200


async def find_stuck(database: Database, table: str, older: float) -> Data:
    """Records that are PREPARED or DELETED since at least ``older`` seconds, some at most.

    ``complete``: the whole table was looked through. SchemaError: there is no such table.
    """
    found = await database.run(database.parts.context.catalog.table(table))
    pages = unsettled_rows(database.parts.context, found)
    until = time.monotonic() + SECONDS
    records: list[Data] = []
    size = 0
    complete = False
    try:
        while len(records) < MOST and size < MOST_BYTES and time.monotonic() < until:
            page = await database.run(pages.next_page())
            if page is None:
                complete = True
                break
            for row in page:
                if record.is_committed(row) or len(records) >= MOST or size >= MOST_BYTES:
                    continue
                key = found.stored.key_of(row)
                situation = await database.run(judge(database.parts, found, key, row))
                if situation.age_ms >= 1000 * older:
                    records.append(_told(situation))
                    size += len(json.dumps(records[-1]))
    finally:
        await database.run(pages.close())
    return {"records": records, "complete": complete}


def _told(situation: Situation) -> Data:
    key = situation.table.key_mapping(situation.key)
    name = columns_message(key, "key", situation.table.name).SerializeToString()
    decision = situation.decision
    return {
        "key": urlsafe_b64encode(name).decode(),
        "shown_key": _image(key),
        "state": situation.state,
        "writer": situation.writer,
        "age": situation.age_ms / 1000,
        "decision": None if decision is None else decision.state.value,
        "alive": situation.alive,
        "outlook": situation.outlook,
        "before": _image(situation.previous),
        "after": _image(situation.current),
    }


def _image(row: Row | None) -> dict[str, str] | None:
    if row is None:
        return None
    image = {name: shown(value) for name, value in islice(row.items(), MOST_COLUMNS)}
    left = len(row) - len(image)
    return {**image, "…": f"{left} more columns"} if left else image


def shown(value: Value) -> str:
    """A value as a page shows it: not long, and a text apart from a number of the same look."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        text = f"0x{value[: _LONGEST // 2].hex()}{'…' if len(value) > _LONGEST // 2 else ''}"
    else:
        text = repr(value[: _LONGEST + 1]) if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST + 3 else f"{text[:_LONGEST]}…"
