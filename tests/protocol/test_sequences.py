"""Which writes of one record may follow each other in a transaction, and what do they come to?

Consensus Commit specification 3.7 and 3.9: every sequence of three operations on a record that is
there or not, at each isolation level, against the rules written down a second time below.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ConflictError, ScalarTxError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.world import World

if TYPE_CHECKING:
    from scalar_tx.model.types import Value
    from tests.protocol.world import Tx

TABLE = "bank.account"
SCHEMA = TableSchema(columns={"id": "INT", "balance": "INT", "name": "TEXT"}, partition_key=["id"])
KEY = {"id": 1}
STORED: dict[str, Value] = {"balance": 100, "name": "a"}
OPERATIONS = ("get", "insert", "upsert", "update", "put", "delete")
REFUSED, NOT_FOUND = "STX-3050", "STX-1003"


@dataclass
class Rules:
    """What the specification says about one record."""

    exists: bool
    read: bool = False
    values: dict[str, Value] | None = None  # of the put that is pending
    pending: str | None = None  # put, insert, delete
    pre_read: bool = False

    def view(self) -> dict[str, Value] | None:
        if self.pending == "delete":
            return None
        base = STORED if self.exists and self.pending != "insert" else None
        if self.pending is None:
            return base
        return {**(base or dict.fromkeys(STORED)), **(self.values or {})}

    def do(self, operation: str, value: int) -> object:
        match operation:
            case "get":
                self.read = self.read or self.pending in (None, "put")
                return self.view()
            case "insert" if self.pending in ("put", "insert"):
                return REFUSED
            case "delete" if self.pending == "insert":
                return REFUSED
            case "delete":
                self.pending, self.values, self.pre_read = "delete", None, True
                return None
            case "update":
                self.read = self.read or self.pending in (None, "put")
                if self.view() is None:
                    return NOT_FOUND
        self.write(operation, value)
        return None

    def write(self, operation: str, value: int) -> None:
        if self.pending == "delete":  # the whole record is replaced
            self.pending, self.pre_read = "put", True
            self.values = {**dict.fromkeys(STORED), "balance": value}
        elif self.pending is None:
            self.pending = "insert" if operation == "insert" else "put"
            self.pre_read = operation in ("upsert", "update")
            self.values = {"balance": value}
        else:
            self.values = {**(self.values or {}), "balance": value}
            if self.pending == "put" and operation in ("upsert", "update"):
                self.pre_read = True

    def conflicts(self) -> bool:
        """Is it prepared as an insert although the record is there?"""
        blind = self.pending == "put" and not (self.read or self.pre_read)
        return self.exists and (self.pending == "insert" or blind)


def do(tx: Tx, operation: str, value: int) -> object:
    row = {**KEY, "balance": value}
    try:
        match operation:
            case "get":
                found = tx.get(TABLE, KEY)
                return None if found is None else {n: found[n] for n in STORED}
            case "insert":
                tx.insert(TABLE, row)
            case "upsert":
                tx.upsert(TABLE, row)
            case "update":
                tx.update(TABLE, KEY, {"balance": value})
            case "put":
                tx.put(TABLE, row)
            case "delete":
                tx.delete(TABLE, KEY)
    except ScalarTxError as error:
        return error.code
    return None


@pytest.mark.parametrize("isolation", list(Isolation))
@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("first", OPERATIONS)
def test_three_operations(first: str, exists: bool, isolation: Isolation) -> None:
    world = World(MemoryStorage())
    world.create_table(TABLE, SCHEMA)
    for second, third in product(OPERATIONS, OPERATIONS):
        if exists:
            world.load(TABLE, {**KEY, **STORED})
        elif world.row(TABLE, 1) is not None:
            cleaner = world.begin()
            cleaner.delete(TABLE, KEY)
            cleaner.commit()
        rules = Rules(exists)
        tx = world.begin(isolation=isolation)
        sequence = (first, second, third)
        for number, operation in enumerate(sequence):
            assert do(tx, operation, number) == rules.do(operation, number), sequence
        expected = rules.view()
        if rules.conflicts():
            with pytest.raises(ConflictError, match=r"STX-103[13]"):
                tx.commit()
            expected = STORED
        else:
            tx.commit()
        row = world.row(TABLE, 1)
        found = None if row is None else {name: row[name] for name in STORED}
        assert found == expected, sequence
