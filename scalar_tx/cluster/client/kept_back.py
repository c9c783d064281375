"""Which writes need not be told to the node at once?

A write whose call can only succeed is kept back and goes with the next request, at the latest with
the commit: a transaction that reads a record and changes it takes two round trips instead of three.
It is checked here as the node would check it, against the table as it was a minute ago at most.
What a storage alone objects to, and a privilege that is missing, is then told by the next call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import ScalarTxError
from scalar_tx.model.checks import Checks
from scalar_tx.model.operations import Delete, Get, Insert, Scan, Update, Upsert
from scalar_tx.model.types import SAFE_BIGINT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scalar_tx.cluster.rpc.v1 import operations_pb2 as rpc
    from scalar_tx.model.operations import Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import Value

MOST: Final = 1000  # writes, and records that are remembered
LARGEST: Final = 256 * 1024  # bytes
FRESH_SECONDS: Final = 60.0


class Schemas:
    """The tables that a manager's transactions have used, as they were a minute ago at most."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._known: dict[str, tuple[Checks | None, float]] = {}

    def known(self, table: str) -> Checks | None:
        """The checks of a table; None: it is not known, or not any more."""
        found = self._known.get(table)
        if found is None or self._elapsed() - found[1] > FRESH_SECONDS:
            return None
        return found[0]

    def to_be_asked(self, table: str) -> bool:
        """Is it time to ask what a table is like?"""
        found = self._known.get(table)
        return found is None or self._elapsed() - found[1] > FRESH_SECONDS

    def learn(self, table: str, schema: TableSchema | None) -> None:
        """A table is like this now; None: that could not be found out."""
        checks = None if schema is None else Checks(table, schema, _no_objection)
        self._known[table] = (checks, self._elapsed())

    def forget(self) -> None:
        """Tables may be others now."""
        self._known.clear()


def _no_objection(*_: object, **__: object) -> None:
    return None  # the node asks its storage


class KeptBack:
    """The writes of one transaction that its node has not heard of."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._there: set[object] = set()  # records that were found, or that are upserted
        self._inserted: set[object] = set()
        self._judged: set[object] = set()
        self._stopped = False
        self.size = 0  # bytes, of all of them
        self.messages: list[rpc.Operation] = []

    def note(self, operation: Operation, records: Iterable[Record]) -> None:
        """Records were found to be there."""
        if not isinstance(operation, Get) or len(self._there) >= MOST:
            return
        for record in records:
            self._there.add(_name(record.table, record.key))

    def keep(self, operation: Operation, message: rpc.Operation) -> bool:
        """Keep a write back if its call can only succeed; False: it is to be told now."""
        size = self.size + message.ByteSize()
        if self._stopped or len(self.messages) >= MOST or size > LARGEST:
            return False
        checks = self._schemas.known(operation.table)
        if checks is None:
            return False
        match operation:
            case Upsert(values=values):
                name = self._checked(checks, values, None)
                if name is None:
                    return False
                self._there.add(name)
            case Insert(values=values):
                name = self._checked(checks, values, None)
                if name is None or name in self._there or name in self._inserted:
                    return False
                self._inserted.add(name)
            case Update(key=key, values=values, where=None):
                name = self._checked(checks, values, key)
                if name is None or name not in self._there:
                    return False
            case Delete(key=key, where=None):
                name = self._checked(checks, {}, key)
                if name is None or name in self._inserted:
                    return False
                self._there.discard(name)
            case _:
                return False
        self.size = size
        self.messages.append(message)
        return True

    def taken(self) -> list[rpc.Operation]:
        """What goes with a request."""
        messages, self.messages, self.size = self.messages, [], 0
        return messages

    def told(self, operation: Operation) -> None:
        """A write was told to the node: from now on it is for the node to judge its record."""
        if isinstance(operation, Get | Scan):
            return
        checks = self._schemas.known(operation.table)
        name = None
        if checks is not None and isinstance(operation, Update | Delete):
            name = self._checked(checks, {}, operation.key)
        elif checks is not None and not isinstance(operation, Update | Delete):
            name = self._checked(checks, operation.values, None)
        if name is None:
            self.stop()
        else:
            self._judged.add(name)

    def stop(self) -> None:
        """Keep nothing back from now on."""
        self._stopped = True

    def _checked(
        self,
        checks: Checks,
        values: object,
        key: Mapping[str, Value] | None,
    ) -> object | None:
        """The record's name; None: it is for the node to say what is wrong."""
        try:
            schema = checks.schema
            if key is None:
                position, columns = checks.values(values, with_key=True)
            else:
                position = checks.key(key, schema.primary_key, "key")
                _, columns = checks.values(values, with_key=False)
        except ScalarTxError:
            return None
        if any(type(one) is int and abs(one) > SAFE_BIGINT for one in columns.values()):
            return None  # the node's settings decide
        name = _name(checks.table, dict(zip(schema.primary_key, position, strict=True)))
        return None if name in self._judged else name


def _name(table: str, key: Mapping[str, Any]) -> object:
    return (table, frozenset(key.items()))
