"""What is a script: a transaction whose steps are known beforehand, to be run where the data is?

A node runs it in one round trip. Its values may be made of what earlier steps have found; there are
no loops and no calls of the caller's code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import wrong
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert

if TYPE_CHECKING:
    from scalar_tx.model.operations import Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Value

MOST_STEPS: Final = 1000
DEEPEST: Final = 40  # levels of expressions in each other


class Function(Enum):
    """What can be done with values; NULL in, NULL out, but for the last four."""

    ADD = "+"
    SUBTRACT = "-"
    CONCAT = "concat"
    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    NOT = "~"
    COALESCE = "coalesce"
    AND = "&"
    OR = "|"
    IS_NULL = "is null"

    __hash__ = object.__hash__


class Expression:
    """A value that is made when a script runs, by operators and the methods here."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # == makes an expression

    def __add__(self, other: object) -> Call:
        return Call(Function.ADD, (self, expression(other)))

    def __radd__(self, other: object) -> Call:
        return Call(Function.ADD, (expression(other), self))

    def __sub__(self, other: object) -> Call:
        return Call(Function.SUBTRACT, (self, expression(other)))

    def __rsub__(self, other: object) -> Call:
        return Call(Function.SUBTRACT, (expression(other), self))

    def __eq__(self, other: object) -> Call:  # type: ignore[override]
        return Call(Function.EQ, (self, expression(other)))

    def __ne__(self, other: object) -> Call:  # type: ignore[override]
        return Call(Function.NE, (self, expression(other)))

    def __lt__(self, other: object) -> Call:
        return Call(Function.LT, (self, expression(other)))

    def __le__(self, other: object) -> Call:
        return Call(Function.LE, (self, expression(other)))

    def __gt__(self, other: object) -> Call:
        return Call(Function.GT, (self, expression(other)))

    def __ge__(self, other: object) -> Call:
        return Call(Function.GE, (self, expression(other)))

    def __and__(self, other: object) -> Call:
        return Call(Function.AND, (self, expression(other)))

    def __or__(self, other: object) -> Call:
        return Call(Function.OR, (self, expression(other)))

    def __invert__(self) -> Call:
        return Call(Function.NOT, (self,))

    def __bool__(self) -> bool:
        raise InvalidOperationError(
            "a value of a script is not known before it runs",
            advice="Use script.require(…), and join conditions with & and |, each in parentheses",
            code="STX-3090",
        )

    def concat(self, other: object) -> Call:
        """Two texts, or two blobs, one behind the other."""
        return Call(Function.CONCAT, (self, expression(other)))

    def coalesce(self, *others: object) -> Call:
        """The first of these that is not NULL."""
        return Call(Function.COALESCE, (self, *map(expression, others)))

    def is_null(self) -> Call:
        """Is it NULL, as it also is where a step has found no record?"""
        return Call(Function.IS_NULL, (self,))


@dataclass(frozen=True, slots=True, eq=False)
class Literal(Expression):
    """A value given beforehand."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Earlier(Expression):
    """A column of the first record that an earlier step has found; NULL where there is none."""

    step: int
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Found(Expression):
    """Has an earlier step found a record?"""

    step: int


@dataclass(frozen=True, slots=True, eq=False)
class Call(Expression):
    """A function of values."""

    function: Function
    arguments: tuple[Expression, ...]


def expression(given: object) -> Expression:
    """What is given, as an expression."""
    return given if isinstance(given, Expression) else Literal(given)  # type: ignore[arg-type]


class Place(Enum):
    """Where in an operation a value that is made goes."""

    KEY = "key"
    VALUES = "values"
    PARTITION = "partition"
    INDEX = "index"
    START = "start"
    END = "end"

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """A column of an operation whose value is made when it runs."""

    place: Place
    column: str
    value: Expression


@dataclass(frozen=True, slots=True, eq=False)
class Requirement:
    """What must be true, else the transaction ends with nothing written."""

    condition: Expression
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """An operation, and what of it is still to be made; or a requirement."""

    work: Operation | Requirement
    computed: tuple[Computed, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class StepResult:
    """What a read of a script will have found, for later steps to use."""

    number: int

    def __getitem__(self, column: str) -> Earlier:
        """A column of the record, or of the first of several."""
        if not isinstance(column, str):
            raise wrong(f"{column!r:.60} is no column's name", "Give the name as text")
        return Earlier(self.number, column)

    @property
    def found(self) -> Found:
        """Was there a record?"""
        return Found(self.number)


Values: TypeAlias = Mapping[str, Any]


class ScriptResult(Sequence["Record | list[Record] | None"]):
    """What the steps of a committed script have found, one item a step; None of what only writes.

    ``complete`` is False where the script is committed, and its node was lost before it could say
    what was found: items can't be had then.
    """

    def __init__(
        self, transaction_id: str, items: Sequence[Record | list[Record] | None] | None
    ) -> None:
        self.transaction_id = transaction_id
        self.complete = items is not None
        self._items = items

    def _had(self) -> Sequence[Record | list[Record] | None]:
        if self._items is None:
            raise InvalidOperationError(
                "the script is committed, but its node was lost before it said what was found",
                advice="Read the records again; do not run the script again",
                transaction_id=self.transaction_id,
                code="STX-3093",
            )
        return self._items

    def __getitem__(self, step: Any) -> Any:
        return self._had()[step]

    def __len__(self) -> int:
        return len(self._had())

    def __repr__(self) -> str:
        return f"<ScriptResult {self._items!r}>" if self.complete else "<ScriptResult, lost>"


@dataclass(slots=True, eq=False)
class Script:
    """Steps of one transaction, in order; ``db.execute`` runs it.

    The arguments are those of a transaction's operations; a value in a mapping may be made of what
    earlier reads have found: ``script.update(t, key, {"n": read["n"] + 1})``.
    """

    steps: list[Step] = field(default_factory=list)

    def get(self, table: str, key: Values | None = None, **how: Any) -> StepResult:
        """Read one record; later steps use its columns."""
        places = {Place.KEY: key, Place.INDEX: how.pop("index", None)}
        return self._read(places, lambda k, i: Get(table, k, index=i, **how))

    def scan(self, table: str, partition: Values | None = None, **how: Any) -> StepResult:
        """Read many records; later steps use the first."""
        places = {
            Place.PARTITION: partition,
            Place.INDEX: how.pop("index", None),
            Place.START: how.pop("start", None),
            Place.END: how.pop("end", None),
        }
        return self._read(places, lambda p, i, s, e: Scan(table, p, index=i, start=s, end=e, **how))

    def insert(self, table: str, values: Values) -> None:
        """Create a record."""
        self._add({Place.VALUES: values}, lambda v: Insert(table, v))

    def upsert(self, table: str, values: Values) -> None:
        """Create a record or change the given columns of it."""
        self._add({Place.VALUES: values}, lambda v: Upsert(table, v))

    def update(self, table: str, key: Values, values: Values, **how: Any) -> None:
        """Change columns of a record."""
        places = {Place.KEY: key, Place.VALUES: values}
        self._add(places, lambda k, v: Update(table, k, v, **how))

    def delete(self, table: str, key: Values, **how: Any) -> None:
        """Remove a record."""
        self._add({Place.KEY: key}, lambda k: Delete(table, k, **how))

    def put(self, table: str, values: Values, **how: Any) -> None:
        """ScalarDB's put."""
        self._add({Place.VALUES: values}, lambda v: Put(table, v, **how))

    def require(self, condition: Expression, message: str = "") -> None:
        """End the transaction with nothing written, and ConditionNotMetError, unless it is true."""
        if not isinstance(condition, Expression):
            raise wrong(
                f"{condition!r:.60} is decided before the script runs",
                "Make the condition of what earlier steps find: require(read['n'] > 0)",
            )
        self._append(Step(Requirement(condition, message)))

    def _read(self, places: Mapping[Place, Any], make: Any) -> StepResult:
        self._add(places, make)
        return StepResult(len(self.steps) - 1)

    def _add(self, places: Mapping[Place, Any], make: Any) -> None:
        computed: list[Computed] = []
        plain = [_plain(place, given, computed) for place, given in places.items()]
        self._append(Step(make(*plain), tuple(computed)))

    def _append(self, step: Step) -> None:
        if len(self.steps) >= MOST_STEPS:
            raise InvalidOperationError(
                f"a script has at most {MOST_STEPS} steps",
                advice="Make several transactions of it",
                code="STX-3091",
            )
        self.steps.append(step)


def _plain(place: Place, given: object, computed: list[Computed]) -> object:
    """The values that are known; the others are added to ``computed``."""
    if not isinstance(given, Mapping) or not any(
        isinstance(value, Expression) for value in given.values()
    ):
        return given
    plain = {}
    for column, value in given.items():
        if isinstance(value, Expression):
            computed.append(Computed(place, column, value))
        else:
            plain[column] = value
    return plain


def check_script(given: object) -> None:
    """InvalidOperationError: it is no script, or has no steps."""
    if not isinstance(given, Script):
        raise wrong(f"{given!r:.60} is no script", "Make one: script = scalar_tx.Script()")
    if not given.steps:
        raise InvalidOperationError(
            "there is nothing to do", advice="Give the script at least one step", code="STX-3016"
        )
