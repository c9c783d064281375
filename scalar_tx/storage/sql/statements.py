"""Which statement does the reading or writing of one record become?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import Existence
from scalar_tx.storage.interface import Overwrite, Write
from scalar_tx.storage.sql.conditions import outline
from scalar_tx.storage.sql.overwrites import overwriting, parameters
from scalar_tx.storage.sql.plans import ByShape, Plan, plan

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import Erase, StorageMutation
    from scalar_tx.storage.sql.conditions import Encoder
    from scalar_tx.storage.sql.names import Names

Statement: TypeAlias = "tuple[Plan, list[object]]"

MOST_TOGETHER: Final = 64  # records that one statement reads


class RecordStatements:
    """The statements on single records of one table, made by shape."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._key_encoders = names.encoders_of(names.key)
        self._get = plan(f"{names.select} WHERE {names.by_key}", self._key_encoders)
        self._together: dict[int, Plan] = {}
        self._plans: ByShape[Plan] = ByShape()

    def get(self, key: Sequence[Value]) -> tuple[str, list[object]]:
        """Read one record."""
        return self._get.text, self._get.bind(list(key))

    def get_many(self, keys: Sequence[Sequence[Value]]) -> tuple[str, list[object]]:
        """Read up to ``MOST_TOGETHER`` records; in which order is not said.

        There is one text for each power of two, so that databases keep them prepared: the last key
        stands in the places that are left, and is found once.
        """
        places = 1 << (len(keys) - 1).bit_length()
        made = self._together.get(places)
        if made is None:
            made = self._together[places] = self._make_together(places)
        values: list[object] = [value for key in keys for value in key]
        values += [*keys[-1]] * (places - len(keys))
        return made.text, made.bind(values)

    def _make_together(self, places: int) -> Plan:
        names = self._names
        if len(names.key) == 1:
            holes = ",".join([names.dialect.placeholder] * places)
            where = f"{names.full[names.key[0]]} IN ({holes})"
        else:
            # Not (a, b) IN (...): for that MariaDB reads the whole table.
            where = " OR ".join([f"({names.by_key})"] * places)
        return plan(f"{names.select} WHERE {where}", self._key_encoders * places)

    def mutation(self, mutation: StorageMutation) -> Statement:
        """A write or an erase, with its condition."""
        condition = mutation.condition
        tested: list[object] = []
        shape: Hashable = condition
        if condition is not None and not isinstance(condition, Existence):
            shape = outline(condition, self._names.dialect, tested)
        if isinstance(mutation, Overwrite):
            return self._overwrite(mutation, shape, tested)
        if not isinstance(mutation, Write):
            made = self._plans.get(shape, lambda: self._erase(mutation))
            return made, made.bind([*mutation.key, *tested])
        made = self._plans.get((tuple(mutation.values), shape), lambda: self._write(mutation))
        if condition is None or condition is Existence.IF_NOT_EXISTS:
            return made, made.bind([*mutation.key, *mutation.values.values()])
        return made, made.bind([*mutation.values.values(), *mutation.key, *tested])

    def _overwrite(self, overwrite: Overwrite, shape: Hashable, tested: list[object]) -> Statement:
        columns = tuple(overwrite.values)
        kept = tuple(overwrite.keeps.items())

        def make() -> Plan:
            self._check(overwrite, (*columns, *overwrite.keeps, overwrite.counter))
            return overwriting(self._names, overwrite)

        made = self._plans.get((columns, kept, overwrite.counter, overwrite.makes, shape), make)
        return made, made.bind(parameters(overwrite, tested))

    def _write(self, write: Write) -> Plan:
        names = self._names
        columns = tuple(write.values)
        self._check(write, columns)
        condition = write.condition
        if condition is None or condition is Existence.IF_NOT_EXISTS:
            return self._insert(columns, upsert=condition is None)
        sets = [f"{names.bare[name]}={names.dialect.placeholder}" for name in columns]
        if not sets:
            # An UPDATE must set something; this asks for the count alone.
            same = names.bare[names.key[0]]
            sets = [f"{same}={same}"]
        where, encoders = self._where(condition)
        return plan(
            f"UPDATE {names.reference} SET {','.join(sets)} WHERE {where}",
            [*names.encoders_of(columns), *encoders],
            conditional=True,
        )

    def _check(self, write: Write | Overwrite, columns: Sequence[str]) -> None:
        names = self._names
        for name in columns:
            if name not in names.full or name in names.key_set:
                raise InvalidOperationError(
                    f"a write to {names.table.name} sets {name!r}, "
                    f"{'a column of its key' if name in names.key_set else 'which it lacks'}",
                    advice=f"It can set {', '.join(names.table.schema.other_columns)}",
                    code="STX-3012",
                )

    def _insert(self, columns: Sequence[str], *, upsert: bool) -> Plan:
        names = self._names
        keys = [names.bare[name] for name in names.key]
        others = [names.bare[name] for name in columns]
        if_absent = names.dialect.if_absent
        begin, end = names.dialect.upsert(keys, others) if upsert else ("INSERT INTO", if_absent)
        listed = ",".join([*keys, *others])
        holes = ",".join([names.dialect.placeholder] * (len(keys) + len(others)))
        return plan(
            f"{begin} {names.reference} ({listed}) VALUES ({holes}){end}",
            [*self._key_encoders, *names.encoders_of(columns)],
            conditional=not upsert and bool(if_absent),
        )

    def _erase(self, erase: Erase) -> Plan:
        condition = erase.condition
        if condition is Existence.IF_NOT_EXISTS:
            raise InvalidOperationError(
                f"an erase of {self._names.table.name} can't ask for a record that is not there",
                code="STX-3013",
            )
        where, encoders = self._where(condition)
        return plan(
            f"DELETE FROM {self._names.reference} WHERE {where}",
            encoders,
            conditional=condition is not None,
        )

    def _where(self, condition: Condition | Existence | None) -> tuple[str, list[Encoder | None]]:
        by_key = self._names.by_key
        if condition is None or isinstance(condition, Existence):
            return by_key, self._key_encoders
        rendering = self._names.rendering(loose=False)
        return f"{by_key} AND {rendering.text(condition)}", [*self._key_encoders, *rendering.needed]
