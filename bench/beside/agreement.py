"""Do both sides see the same records afterwards, and is every acknowledged transaction in them?

Each side reads all records in transactions of its own and says what it has seen, line by line; the
lines must be equal, and must show that both sides have written. Then our storage layer counts the
records' versions, of which every transaction has made one.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from bench.beside import tpcc, ycsb
from bench.beside.tpcc_tables import (
    CUSTOMER,
    DISTRICT,
    DISTRICTS,
    NEW_ORDER,
    ORDER_LINE,
    ORDERS,
    WAREHOUSE,
    W,
)
from scalar_tx.connection import parts_of
from scalar_tx.consensus_commit.record import is_committed
from scalar_tx.runtime.blocking import run_blocking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx import TransactionManager

_LETTERS: Final = {mark: side for side, mark in ycsb.MARKS.items()}


class DisagreementError(AssertionError):
    """What both sides see differs, or something that was acknowledged is not there."""


def seen(properties: Mapping[str, str], workload: str) -> list[str]:
    """What we see, line by line, as the Java program's ``look`` says it."""
    with scalar_tx.connect(properties) as db:
        if workload in tpcc.MIXES:
            return _seen_of_tpcc(db)
        return [_seen_of_ycsb(db, table) for table in ycsb.TABLES]


def writers(lines: Sequence[str]) -> set[str]:
    """Which sides have written what stands in lines of the small workloads."""
    words = (word.partition("=") for line in lines for word in line.split())
    return {_LETTERS[mark] for mark, _, count in words if mark in _LETTERS and count != "0"}


def _seen_of_ycsb(db: TransactionManager, table: str) -> str:
    digest = hashlib.sha256()
    marks: Counter[str] = Counter()
    for key in range(ycsb.RECORDS):
        record = db.get(table, {ycsb.KEY: key})
        if record is None:
            raise DisagreementError(f"{table} {key} is gone")
        text = str(record[ycsb.PAYLOAD])
        marks[text[0]] += 1
        digest.update(f"{key}={text}\n".encode())
    counts = " ".join(f"{mark}={marks[mark]}" for mark in sorted(_LETTERS))
    return f"{table} {counts} sha256={digest.hexdigest()}"


def _seen_of_tpcc(db: TransactionManager) -> list[str]:
    warehouse: Any = db.get(WAREHOUSE, {"w_id": W})
    lines = [f"warehouse {warehouse['w_ytd']}"]
    for number in DISTRICTS:
        district: Any = db.get(DISTRICT, {"d_w_id": W, "d_id": number})
        waiting = db.scan(NEW_ORDER, {"no_w_id": W, "no_d_id": number})
        last = district["d_next_o_id"] - 1
        order: Any = db.get(ORDERS, {"o_w_id": W, "o_d_id": number, "o_id": last})
        sold: Any = db.scan(ORDER_LINE, {"ol_w_id": W, "ol_d_id": number, "ol_o_id": last})
        lines.append(
            f"district {number} {district['d_ytd']} {last + 1} {len(waiting)} "
            f"{order['o_c_id']} {order['o_ol_cnt']} {len(sold)} "
            f"{sum(line['ol_amount'] for line in sold)} {_balance(db, number)}"
        )
    return lines


def _balance(db: TransactionManager, district: int) -> int:
    """What the customers of a district owe, all together."""
    total, number = 0, 1
    while True:
        key = {"c_w_id": W, "c_d_id": district, "c_id": number}
        customer: Any = db.get(CUSTOMER, key)
        if customer is None:
            return total
        total += customer["c_balance"]
        number += 1


def check_tpcc(lines: Sequence[str]) -> None:
    """Conditions 1 and 2 of clause 3.3.2, in what was seen.

    The warehouse has received what its districts have; an order has the lines it says, and no
    district has more orders waiting than it ever had.
    """
    districts = [list(map(int, line.split()[1:])) for line in lines[1:]]
    received = sum(district[1] for district in districts)
    if int(lines[0].split()[1]) != received:
        raise DisagreementError(f"the districts have received {received}, but: {lines[0]}")
    for number, _, following, waiting, _, said, sold, _, _ in districts:
        if said != sold or waiting >= following:
            raise DisagreementError(
                f"district {number}: {sold} lines of {said}, {waiting} of {following - 1} waiting"
            )


def versions(properties: Mapping[str, str]) -> int:
    """How many versions the records of the small workloads have had, those of loading too."""
    found = 0
    with scalar_tx.connect(properties) as db:
        parts = parts_of(db)
        for name in ycsb.TABLES:
            table = run_blocking(parts.context.catalog.table(name))
            for key in range(ycsb.RECORDS):
                row: Any = run_blocking(parts.storage.get(table.stored, (key,)))
                if not is_committed(row):
                    raise DisagreementError(f"{name} {key} is not settled")
                found += row["tx_version"]
    return found
