"""Which request does a read or a write of a record become? (Storage specification 4.4 and 4.7)

Every write is an update of the named columns, never a put of a whole item: what is not named stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import Existence
from scalar_tx.storage.dynamo import overwrites
from scalar_tx.storage.dynamo.codec import RowDecoder, encode
from scalar_tx.storage.dynamo.conditions import Aliases, Rendering
from scalar_tx.storage.dynamo.keys import CLUSTERING_KEY, PARTITION_KEY, Keys
from scalar_tx.storage.interface import Erase, Overwrite

if TYPE_CHECKING:
    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Value
    from scalar_tx.storage.dynamo.names import Names
    from scalar_tx.storage.interface import StorageMutation, Write

Request = dict[str, Any]

_UNSET: Final = object()


class TableStatements:
    """The requests that concern one table."""

    def __init__(self, table: Table, names: Names) -> None:
        self.table = table
        self.names = names
        self.keys = Keys(table)
        self.decode = RowDecoder(table)
        self.physical = names.table(table.name)
        self._indexed = frozenset(table.schema.secondary_index)

    def get(self, key: tuple[Value, ...]) -> Request:
        """A consistent read of one item."""
        return {
            "TableName": self.physical,
            "Key": self.keys.item_key(key),
            "ConsistentRead": True,
        }

    def mutation(self, mutation: StorageMutation, condition: object = _UNSET) -> Request:
        """UpdateItem or DeleteItem; ``condition``, where given, stands for the mutation's own."""
        wanted: Any = mutation.condition if condition is _UNSET else condition
        aliases = Aliases()
        request: Request = {
            "TableName": self.physical,
            "Key": self.keys.item_key(mutation.key),
        }
        if not isinstance(mutation, Erase):
            update = self._update(mutation, wanted, aliases)
            if update:
                request["UpdateExpression"] = update
        if isinstance(mutation, Overwrite):
            expression = self._over(mutation, aliases)
        else:
            expression = self._condition(wanted, aliases)
        if expression:
            request["ConditionExpression"] = expression
        # An empty mapping is refused.
        if aliases.names:
            request["ExpressionAttributeNames"] = aliases.names
        if aliases.values:
            request["ExpressionAttributeValues"] = aliases.values
        return request

    def _update(
        self,
        write: Write | Overwrite,
        condition: Condition | Existence | None,
        aliases: Aliases,
    ) -> str:
        schema = self.table.schema
        written = dict(write.values)
        overwrite = write if isinstance(write, Overwrite) else None
        makes = condition is None or condition is Existence.IF_NOT_EXISTS
        if makes if overwrite is None else overwrite.makes:
            # The record may be a new one: its item also holds its key column by column.
            written = {**dict(zip(schema.primary_key, write.key, strict=True)), **written}
        set_, remove = [], []
        for number, (column, value) in enumerate(written.items()):
            name = f"#col{number}"
            aliases.names[name] = column
            if value is None:
                remove.append(name)
                continue
            if column in self._indexed:
                self._check_indexed(column, value)
            alias = f":val{number}"
            aliases.values[alias] = encode(value, schema.columns[column])
            set_.append(f"{name} = {alias}")
        if overwrite is not None:
            set_ += overwrites.copies(overwrite, aliases)
        update = " ".join(
            f"{word} {', '.join(terms)}"
            for word, terms in (("SET", set_), ("REMOVE", remove))
            if terms
        )
        if overwrite is not None:
            overwrites.check(overwrite, update)
        return update

    def _over(self, overwrite: Overwrite, aliases: Aliases) -> str:
        present = self._condition(Existence.IF_EXISTS, aliases)
        condition = Rendering(self.table.schema.columns, aliases).text(overwrite.condition)
        return overwrites.where(overwrite, present, condition, aliases)

    def _check_indexed(self, column: str, value: Value) -> None:
        if value in ("", b""):
            raise InvalidOperationError(
                f"{self.table.name}.{column} is indexed and would be empty, which DynamoDB refuses",
                advice="Store NULL, or drop the index",
                code="STX-3606",
            )

    def _condition(self, condition: Condition | Existence | None, aliases: Aliases) -> str:
        if condition is None:
            return ""
        function = "attribute_exists"
        if condition is Existence.IF_NOT_EXISTS:
            function = "attribute_not_exists"
        terms = [f"{function}({PARTITION_KEY})"]
        if self.keys.clustered:
            terms.append(f"{function}({CLUSTERING_KEY})")
        if not isinstance(condition, Existence):
            terms.append(Rendering(self.table.schema.columns, aliases).text(condition))
        return " AND ".join(terms)


def transact_entry(mutation: StorageMutation, request: Request) -> dict[str, Request]:
    """An entry of TransactWriteItems. One without columns to set is a check of its condition."""
    if isinstance(mutation, Erase):
        return {"Delete": request}
    if "UpdateExpression" not in request:
        return {"ConditionCheck": request}
    return {"Update": request}
