"""What is said where a storage can't change or take over a table as asked?

Storage specification 2.9 and 7.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.types import DataType

COPY: Final = "Make a table that is as you want it, and copy the rows"


def cannot(storage: str, what: str, advice: str = COPY) -> InvalidOperationError:
    """The refusal of a change that the storage has no means for."""
    return InvalidOperationError(f"{storage} can't {what}", advice=advice, code="STX-3074")


def unfit(table: str, why: str, advice: str) -> InvalidOperationError:
    """The refusal to import a table that holds what no table of ours can."""
    return InvalidOperationError(
        f"{table} can't be imported: {why}", advice=advice, code="STX-3075"
    )


def chosen_types(
    choices: Mapping[str, Sequence[DataType]], wanted: Mapping[str, DataType], table: str
) -> dict[str, DataType]:
    """Each column's type: the one asked for, or the first of those its own type can be read as."""
    for column, data_type in wanted.items():
        if column not in choices:
            raise InvalidOperationError(
                f"{table} has no column {column}",
                advice=f"Its columns are {', '.join(choices)}",
                code="STX-3012",
            )
        if data_type not in choices[column]:
            possible = " or ".join(one.value for one in choices[column])
            raise unfit(
                table,
                f"{column} is {possible}, not {data_type.value}",
                f"Leave {column} out of override_types, or name {possible}",
            )
    return {column: wanted.get(column, possible[0]) for column, possible in choices.items()}
