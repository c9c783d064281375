"""Operations as values: what ``mutate`` and ``batch`` take, with the methods' own arguments.

Where a table's name stands there may be a class, or an object of it that has a write's values and
its key (``scalar_tx.table``). Below the faces there are names and values only.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar, overload

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import check_iterable, not_a_bool, wrong
from scalar_tx.model.conditions import Existence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from typing_extensions import TypeVar as TypeVarWithDefault  # a type checker brings it along

    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.record import Record
    from scalar_tx.model.record_class import RecordT
    from scalar_tx.model.types import Value

    # What a read finds: records, or objects of the class that it names.
    FoundT_co = TypeVarWithDefault("FoundT_co", default=Record, covariant=True)
else:
    FoundT_co = TypeVar("FoundT_co", covariant=True)

Table: TypeAlias = Any  # "namespace.table"; to a caller also a class, or an object, of ``table``
Values: TypeAlias = "Mapping[str, Any]"  # Value; of a class what its fields hold
OF_OBJECT: Final[Any] = None  # no key, or no values, since an object in the table's place has them


def _never_true(where: object, what: str) -> InvalidOperationError:
    return wrong(
        f"where={where!r} on {what}, which is about a record that is there",
        "Use put(…, where=if_not_exists) or insert to create a record only where there is none",
    )


@dataclass(frozen=True, slots=True)
class Get(Generic[FoundT_co]):
    """Read one record by its whole primary key, or the only one with an index value.

    ``weak`` allows, at SERIALIZABLE, a read that the storage can't make serializable; what it
    returns is not validated.
    """

    table: Table
    key: Mapping[str, Value] | None = None
    _: KW_ONLY
    index: Mapping[str, Value] | None = None
    columns: Sequence[str] | None = None
    where: Condition | None = None
    weak: bool = False

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: Get[Record],
            table: str,
            key: Mapping[str, Value] | None = None,
            *,
            index: Mapping[str, Value] | None = None,
            columns: Sequence[str] | None = None,
            where: Condition | None = None,
            weak: bool = False,
        ) -> None: ...
        @overload
        def __init__(
            self: Get[RecordT],
            table: type[RecordT],
            key: Values | None = None,
            *,
            index: Values | None = None,
            columns: None = None,
            where: Condition | None = None,
            weak: bool = False,
        ) -> None: ...
        def __init__(self, table: Any, *how: Any, **more: Any) -> None: ...

    def __post_init__(self) -> None:
        if (self.key is None) == (self.index is None):
            raise wrong("get needs exactly one of key and index", "Give the key as a mapping")
        if type(self.weak) is not bool:
            raise not_a_bool("weak", self.weak)


@dataclass(frozen=True, slots=True)
class Scan(Generic[FoundT_co]):
    """Read one partition in clustering order, the records of an index value, or a whole table.

    ``start`` and ``end`` are mappings of leading clustering columns, bounds by value also where the
    order is DESC; ``order_by`` names columns, a leading ``-`` means descending; ``limit`` 0 or None
    means all; ``after`` is an opaque token of an earlier scanner;
    ``weak`` as for Get.
    """

    table: Table
    partition: Mapping[str, Value] | None = None
    _: KW_ONLY
    index: Mapping[str, Value] | None = None
    whole_table: bool = False
    start: Mapping[str, Value] | None = None
    end: Mapping[str, Value] | None = None
    start_inclusive: bool = True
    end_inclusive: bool = True
    order_by: Sequence[str] | None = None
    limit: int | None = None
    after: str | None = None
    columns: Sequence[str] | None = None
    where: Condition | None = None
    weak: bool = False

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: Scan[Record],
            table: str,
            partition: Mapping[str, Value] | None = None,
            *,
            index: Mapping[str, Value] | None = None,
            whole_table: bool = False,
            start: Mapping[str, Value] | None = None,
            end: Mapping[str, Value] | None = None,
            start_inclusive: bool = True,
            end_inclusive: bool = True,
            order_by: Sequence[str] | None = None,
            limit: int | None = None,
            after: str | None = None,
            columns: Sequence[str] | None = None,
            where: Condition | None = None,
            weak: bool = False,
        ) -> None: ...
        @overload
        def __init__(
            self: Scan[RecordT],
            table: type[RecordT],
            partition: Values | None = None,
            *,
            index: Values | None = None,
            whole_table: bool = False,
            start: Values | None = None,
            end: Values | None = None,
            start_inclusive: bool = True,
            end_inclusive: bool = True,
            order_by: Sequence[str] | None = None,
            limit: int | None = None,
            after: str | None = None,
            columns: None = None,
            where: Condition | None = None,
            weak: bool = False,
        ) -> None: ...
        def __init__(self, table: Any, *how: Any, **more: Any) -> None: ...

    def __post_init__(self) -> None:
        for name in _SCAN_FLAGS:
            if type(getattr(self, name)) is not bool:
                raise not_a_bool(name, getattr(self, name))
        ways = [self.partition is not None, self.index is not None, self.whole_table]
        if ways.count(True) != 1:
            raise wrong(
                "scan needs exactly one of partition, index, whole_table",
                "Give partition={…} for one partition, index={'column': value}, "
                "or whole_table=True",
            )
        if self.limit is not None and (type(self.limit) is not int or self.limit < 0):
            raise wrong(
                f"limit is {self.limit!r}", "Give an int of at least 0; 0 or None means all"
            )
        if self.order_by is not None and not isinstance(self.order_by, list | tuple):
            raise wrong(
                f"order_by is {self.order_by!r:.60}", "Give a list: order_by=['-created_at']"
            )


_SCAN_FLAGS: Final = ("whole_table", "start_inclusive", "end_inclusive", "weak")


@dataclass(frozen=True, slots=True)
class Insert:
    """Create a record; ``values`` hold its key. ConflictError at commit if it exists."""

    table: Table
    values: Values = OF_OBJECT


@dataclass(frozen=True, slots=True)
class Upsert:
    """Create a record or change the given columns of it; ``values`` hold its key."""

    table: Table
    values: Values = OF_OBJECT


@dataclass(frozen=True, slots=True)
class Update:
    """Change columns of a record that is there."""

    table: Table
    key: Values = OF_OBJECT
    values: Values = OF_OBJECT
    _: KW_ONLY
    where: Condition | Existence | None = None
    missing: Literal["error", "ignore"] = "error"

    def __post_init__(self) -> None:
        if self.missing not in ("error", "ignore"):
            raise wrong(f"missing is {self.missing!r:.60}", "Give missing='error' or 'ignore'")
        if self.where is Existence.IF_NOT_EXISTS:
            raise _never_true(self.where, "an update")


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a record; where there is none, nothing happens."""

    table: Table
    key: Values = OF_OBJECT
    _: KW_ONLY
    where: Condition | Existence | None = None

    def __post_init__(self) -> None:
        if self.where is Existence.IF_NOT_EXISTS:
            raise _never_true(self.where, "a delete")


@dataclass(frozen=True, slots=True)
class Put:
    """ScalarDB's put: create or change, depending on what this transaction has read."""

    table: Table
    values: Values = OF_OBJECT
    _: KW_ONLY
    where: Condition | Existence | None = None
    implicit_pre_read: bool = False
    insert_mode: bool = False

    def __post_init__(self) -> None:
        for name in ("implicit_pre_read", "insert_mode"):
            if type(getattr(self, name)) is not bool:
                raise not_a_bool(name, getattr(self, name))


Selection: TypeAlias = "Get[Any] | Scan[Any]"
Mutation: TypeAlias = Insert | Upsert | Update | Delete | Put
Operation: TypeAlias = "Selection | Mutation"


def checked_mutations(mutations: Iterable[Mutation]) -> list[Mutation]:
    """The writes of ``mutate``, at least one."""
    check_iterable(mutations, "writes")
    found = list(mutations)
    for mutation in found:
        if not isinstance(mutation, Insert | Upsert | Update | Delete | Put):
            raise wrong(
                f"{mutation!r:.60} is no write",
                "Give Insert, Upsert, Update, Delete or Put objects",
            )
    _something(found)
    return found


def checked_operations(operations: Iterable[Operation]) -> list[Operation]:
    """The operations of ``batch``, at least one."""
    check_iterable(operations, "operations")
    found = list(operations)
    for operation in found:
        if not isinstance(operation, Get | Scan | Insert | Upsert | Update | Delete | Put):
            raise wrong(
                f"{operation!r:.60} is no operation",
                "Give Get, Scan, Insert, Upsert, Update, Delete or Put objects",
            )
    _something(found)
    return found


def _something(found: Sequence[object]) -> None:
    if not found:
        raise InvalidOperationError(
            "there is nothing to do", advice="Give at least one operation", code="STX-3016"
        )
