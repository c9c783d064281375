"""How is a table of an SQL database changed, or taken over? (Storage specification 5.3, 5.8, 7.4)

Where the database can't undo definitions, a change that was cut short has left its metadata rows as
they were: asked for again, it does what is left.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import Table, TableSchema, renamed, split_name, without
from scalar_tx.storage.refusals import COPY, cannot, chosen_types, unfit
from scalar_tx.storage.sql import tables as sql
from scalar_tx.storage.sql.descriptions import SqlDescriptions
from scalar_tx.storage.sql.dialect import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.types import DataType
    from scalar_tx.storage.sql.connections import Session

_NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class SqlAlterations(SqlDescriptions):
    """Changes of tables that are there."""

    async def create_index(
        self, table: Table, column: str, *, options: Mapping[str, str] = _NO_OPTIONS
    ) -> None:
        """Index a column, whose type may change for it, and mark it in the metadata."""

        def steps(session: Session) -> None:
            current = self._with_column(session, table.name, column)
            if column in current.schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has an index",
                    advice="Nothing needs to be done",
                    code="STX-3018",
                )
            self._alter_type(session, current, column, Role.INDEX)
            if not self._definitions.indexes_on(session.rows, current, column):
                self._make_index(session, current, column)
            self._mark(session, table.name, column, indexed=True)

        self._change(steps)
        self._forget(table.name)

    async def drop_index(self, table: Table, column: str) -> None:
        """Remove a column's index and its mark; the column's type changes back."""

        def steps(session: Session) -> None:
            current = self._with_column(session, table.name, column)
            if column not in current.schema.secondary_index:
                raise InvalidOperationError(
                    f"{table.name}.{column} has no index",
                    advice="Nothing needs to be done",
                    code="STX-3015",
                )
            for index in self._definitions.indexes_on(session.rows, current, column):
                session.define(self._definitions.drop_index(current, index))
            self._alter_type(session, current, column, Role.PLAIN)
            self._mark(session, table.name, column, indexed=False)

        self._change(steps)
        self._forget(table.name)

    def _alter_type(self, session: Session, table: Table, column: str, role: Role) -> None:
        data_type = table.schema.columns[column]
        # A column of the key has the key's type already.
        if data_type in self._dialect.key_types and column not in table.schema.primary_key:
            declared = self._dialect.column_type(data_type, role)
            self._define(session, self._definitions.alter_type(table, column, declared))

    def _mark(self, session: Session, name: str, column: str, *, indexed: bool) -> None:
        session.count(sql.mark_indexed(self._dialect, self._schema), (indexed, name, column))

    def _make_index(self, session: Session, table: Table, column: str) -> None:
        name = self._definitions.index_name(table, column)
        if self._definitions.index_exists(session.rows, table, name):
            name = sql.other_index_name(table, column)
        session.define(sql.create_index(self._dialect, table, column, name))

    async def add_columns(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Append columns to the table and its metadata rows."""

        def steps(session: Session) -> None:
            current = self._changeable(session, table.name)
            schema = current.schema
            added = {n: t for n, t in columns.items() if n not in schema.columns}
            if not added:
                return
            self._definitions.check_columns([*current.columns, *added], table.name)
            for column, data_type in added.items():
                session.define(sql.add_column(self._dialect, current, column, data_type))
            self._describe_anew(session, replace(current, schema=sql.widened(schema, added)))

        self._change(steps)
        self._forget(table.name)

    async def drop_columns(self, table: Table, columns: Sequence[str]) -> None:
        """Remove columns, their indexes first, and their metadata rows."""

        def steps(session: Session) -> None:
            current = self._changeable(session, table.name)
            for column in columns:
                if column in current.schema.primary_key:
                    raise InvalidOperationError(
                        f"{table.name}.{column} belongs to the key", advice=COPY, code="STX-3012"
                    )
            there = self._columns(session, current)
            going = [one for one in columns if one in current.columns and one in there]
            for column in going:
                if column in current.schema.secondary_index:
                    for index in self._definitions.indexes_on(session.rows, current, column):
                        session.define(self._definitions.drop_index(current, index))
            clauses = [f"DROP COLUMN {self._dialect.quote(column)}" for column in going]
            self._alter(session, current, clauses)
            self._describe_anew(session, replace(current, schema=without(current.schema, columns)))

        self._change(steps)
        self._forget(table.name)

    async def rename_columns(self, table: Table, names: Mapping[str, str]) -> None:
        """Give columns and their indexes other names, and their metadata rows."""

        def steps(session: Session) -> None:
            current = self._changeable(session, table.name)
            wanted = replace(current, schema=renamed(current.schema, names))
            self._definitions.check_makeable(wanted)
            there = self._columns(session, current)
            quote = self._dialect.quote
            clauses = [
                f"RENAME COLUMN {quote(old)} TO {quote(new)}"
                for old, new in names.items()
                if old in there or new not in there
            ]
            self._alter(session, current, clauses)
            for old, new in names.items():
                if new in wanted.schema.secondary_index:
                    self._rename_index(session, (current, old), (wanted, new))
            self._describe_anew(session, wanted)

        self._change(steps)
        self._forget(table.name)

    async def alter_types(self, table: Table, columns: Mapping[str, DataType]) -> None:
        """Give columns other types."""

        def steps(session: Session) -> None:
            current = self._changeable(session, table.name)
            for column, data_type in columns.items():
                declared = self._dialect.column_type(data_type, Role.PLAIN)
                self._with_column(session, table.name, column)
                text = self._definitions.alter_type(current, column, declared)
                if text is None:
                    raise cannot(self._connections.place, "alter the type of a column")
                session.define(text)
            schema = sql.widened(current.schema, columns)
            self._describe_anew(session, replace(current, schema=schema))

        self._change(steps)
        self._forget(table.name)

    async def rename_table(self, name: str, new_name: str) -> None:
        """Give a table and its indexes other names, and its metadata rows."""

        def steps(session: Session) -> None:
            current = self._changeable(session, name)
            wanted = Table(new_name, current.schema)
            self._definitions.check_makeable(wanted)
            if new_name in self._names(session.rows):
                raise _taken(new_name)
            if self._exists(session.rows, current.namespace, current.short_name):
                if self._exists(session.rows, wanted.namespace, wanted.short_name):
                    raise _taken(new_name)
                session.define(self._definitions.rename_table(current, wanted.short_name))
            elif not set(wanted.columns) <= set(self._columns(session, wanted)):
                raise InvalidOperationError(
                    f"{self._connections.place} holds neither {name} nor, under the other name, "
                    "a table with its columns",
                    advice="Repair the table with the schema it was made with",
                    code="STX-3017",
                )
            for column in current.schema.secondary_index:
                self._rename_index(session, (current, column), (wanted, column))
            self._delete_rows(session, name)
            self._insert_rows(session, wanted)

        self._change(steps)
        self._forget(name)
        self._forget(new_name)

    async def foreign_table(self, name: str, types: Mapping[str, DataType]) -> Table:
        """A table that another program made; in one database transaction nothing is changed."""
        namespace, short_name = split_name(name)
        read = self._connections.read
        if self._described(read, name) is not None:
            raise InvalidOperationError(
                f"the table {name} has metadata already",
                advice="Use it; repair_table makes what it may lack",
                code="STX-3018",
            )
        columns = self._definitions.foreign_columns(read, namespace, short_name)
        if not columns:
            raise InvalidOperationError(
                f"there is no table {name} in {self._connections.place}",
                advice=self._definitions.where_tables_are(name),
                code="STX-3017",
            )
        refused = [one for one in columns if one.obstacle]
        if refused:
            raise unfit(name, f"{refused[0].name} {refused[0].obstacle}", refused[0].advice)
        keyed = sorted((one.key_position, one.name) for one in columns if one.key_position)
        if not keyed:
            raise unfit(name, "it has no primary key", "Give it one")
        chosen = chosen_types({one.name: one.types for one in columns}, types, name)
        table = Table(name, TableSchema(chosen, [column for _, column in keyed]))
        self._definitions.check_makeable(table)
        self._definitions.check_present(read, table, self._connections.place)
        return table

    def _alter(self, session: Session, table: Table, clauses: Sequence[str]) -> None:
        for text in sql.alter_table(self._dialect, table, clauses):
            session.define(text)

    def _rename_index(
        self, session: Session, old: tuple[Table, str], new: tuple[Table, str]
    ) -> None:
        """Call an index after its table and column, if it was called so before."""
        definitions = self._definitions
        name = definitions.index_name(*new)
        # On the column as it is called by now: an index is found by what it indexes.
        there = definitions.indexes_on(session.rows, *new)
        before = {
            definitions.index_name(*old),
            sql.long_index_name(*old),
            sql.other_index_name(*old),
        }
        if name in there:
            return
        if definitions.index_exists(session.rows, new[0], name):
            name = sql.other_index_name(*new)
        for index in [one for one in there if one in before][:1]:
            for text in definitions.rename_index(*new, index, name):
                session.define(text)


def _taken(name: str) -> InvalidOperationError:
    return InvalidOperationError(
        f"there is a table or a view {name} already", advice="Choose another name", code="STX-3018"
    )
