"""Do single operations look as if each had happened at one moment between its call and its answer?

Each key is judged by itself, which is enough: a history is linearizable if it is so on every key
(Herlihy and Wing, "Linearizability" (1990), theorem 1). The search is Wing and Gong's with Lowe's
two improvements ("Testing for linearizability" (2017)): calls and answers are walked through in
order, and what was tried already, a set of operations with the state they lead to, is not tried
again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError
from scalar_tx.histories.history import Outcome
from scalar_tx.histories.words import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

# After so many steps on one key the answer is that it is not known.
STEPS: Final = 2_000_000


@dataclass(slots=True)
class SingleOperation:
    """One operation on one key.

    ``("r", result)``, ``("w", value)``, ``("cas", (expected, new))`` on a register, ``("r", list)``
    and ``("append", element)`` on a list. ``completed`` of None and an outcome of INFO: it may have
    happened at any time after its call, or never. A compare-and-set that found another value is
    FAIL, as is everything that certainly did not happen; ``refused`` says that a FAIL was an answer
    of the object, so that the expected value was not there at some moment in between.
    """

    number: int  # unique; shown as O12
    kind: str
    key: Hashable
    value: Any
    invoked: float
    completed: float | None
    outcome: Outcome = Outcome.OK
    process: Hashable = None
    refused: bool = False

    def __str__(self) -> str:
        end = "…" if self.completed is None else f"{self.completed:g}"
        by = "" if self.process is None else f" by {self.process}"
        said = " refused" if self.refused else ""
        return f"O{self.number}{by} [{self.invoked:g}, {end}] {self.kind} {shown(self.value)}{said}"


class Found(Enum):
    """What the search found out about a key."""

    LINEARIZABLE = "linearizable"
    VIOLATED = "not linearizable"
    UNKNOWN = "unknown"  # the bound was hit


@dataclass(frozen=True, slots=True)
class KeyVerdict:
    """What was found out about one key. ``text``: the counterexample in words, or empty."""

    key: Hashable
    found: Found
    text: str = ""
    operations: tuple[int, ...] = ()


@dataclass(slots=True)
class LinearizabilityVerdict:
    """What was found out about every key."""

    keys: list[KeyVerdict] = field(default_factory=list)

    @property
    def found(self) -> Found:
        """The worst of all keys: a violation, else an unknown one."""
        every = {one.found for one in self.keys}
        for worst in (Found.VIOLATED, Found.UNKNOWN):
            if worst in every:
                return worst
        return Found.LINEARIZABLE

    @property
    def valid(self) -> bool:
        """Was every key shown to be linearizable?"""
        return self.found is Found.LINEARIZABLE

    def __str__(self) -> str:
        bad = [one for one in self.keys if one.found is not Found.LINEARIZABLE]
        return (
            "\n".join(f"key {shown(one.key)} is {one.found.value}: {one.text}" for one in bad)
            or f"{len(self.keys)} keys are linearizable"
        )


# What an operation makes of a state; None: it can't have happened in it.
Step = "Callable[[Any, SingleOperation], tuple[Any] | None]"


def _register(state: Any, operation: SingleOperation) -> tuple[Any] | None:
    kind, value = operation.kind, operation.value
    if kind == "r":
        known = operation.outcome is Outcome.OK
        return (state,) if not known or value == state else None
    if kind == "w":
        return (value,)
    if kind == "cas":
        expected, new = value
        if operation.refused:
            return (state,) if state != expected else None
        return (new,) if state == expected else None
    raise _unknown_operation(operation, "registers have 'r', 'w' and 'cas'")


def _list(state: Any, operation: SingleOperation) -> tuple[Any] | None:
    kind, value = operation.kind, operation.value
    if kind == "append":
        return ((*state, value),)
    if kind == "r":
        known = operation.outcome is Outcome.OK
        return (state,) if not known or tuple(value or ()) == state else None
    raise _unknown_operation(operation, "lists have 'r' and 'append'")


_MODELS: Final[dict[str, tuple[Any, Callable[[Any, SingleOperation], tuple[Any] | None]]]] = {
    "register": (None, _register),
    "list": ((), _list),
}


def check_linearizable(
    operations: Iterable[SingleOperation], model: str, *, steps: int = STEPS
) -> LinearizabilityVerdict:
    """Judge single operations on registers (None at first) or lists (empty at first), key by key.

    ``model`` is ``"register"`` or ``"list"``. ``steps`` bounds the search on each key; beyond it
    the key's verdict is UNKNOWN. InvalidOperationError for another model and for an operation that
    the model has not.
    """
    if model not in _MODELS:
        raise InvalidOperationError(
            f"{model!r} is no model of single operations",
            advice=f"Use one of {', '.join(_MODELS)}",
            code="STX-3080",
        )
    start, step = _MODELS[model]
    by_key: dict[Hashable, list[SingleOperation]] = defaultdict(list)
    for one in operations:
        by_key[one.key].append(one)
    return LinearizabilityVerdict(
        [_Search(key, those, start, step, steps).verdict() for key, those in by_key.items()]
    )


class _Search:
    """The search for an order of one key's operations."""

    def __init__(
        self,
        key: Hashable,
        operations: Sequence[SingleOperation],
        start: Any,
        step: Callable[[Any, SingleOperation], tuple[Any] | None],
        steps: int,
    ) -> None:
        self._key = key
        self._start = start
        self._step = step
        self._steps = steps
        self._operations = [one for one in operations if _may_have_happened(one)]
        self._last_state = start
        # Calls and answers in order, as a ring that operations are taken out of and put back into:
        # entry 2n + 1 is the call of operation n, entry 2n + 2 its answer, entry 0 both ends.
        events = []
        self._ends = 0
        for at, one in enumerate(self._operations):
            events.append((one.invoked, 0, 2 * at + 1))
            if one.outcome is not Outcome.INFO and one.completed is not None:
                events.append((one.completed, 1, 2 * at + 2))
                self._ends += 1
        order = [0, *(entry for _, _, entry in sorted(events)), 0]
        self._next = [0] * (2 * len(self._operations) + 3)
        self._before = list(self._next)
        for before, after in pairwise(order):
            self._next[before] = after
            self._before[after] = before

    def verdict(self) -> KeyVerdict:
        """Try all orders that real time allows, the promising ones first."""
        following, step, operations = self._next, self._step, self._operations
        state = self._start
        done = 0  # the operations that have a place, as bits
        open_ends = self._ends
        tried: set[tuple[int, Any]] = set()
        path: list[tuple[int, Any]] = []  # operations in their order, each with the state before
        best: list[int] = []
        blocked = -1
        entry = following[0]
        while open_ends:
            self._steps -= 1
            if self._steps < 0:
                text = f"no order of its {len(operations)} operations was found within the bound"
                return KeyVerdict(self._key, Found.UNKNOWN, text)
            if entry % 2:
                at = entry // 2
                after = step(state, operations[at])
                place = (done | 1 << at, after[0]) if after is not None else None
                if after is None or place is None or place in tried:
                    entry = following[entry]
                    continue
                tried.add(place)
                path.append((at, state))
                done, state = place
                open_ends -= self._take_out(at)
                entry = following[0]
                continue
            # An answer came whose operation has no place yet, or nothing is left to try.
            if len(path) >= len(best):
                best, blocked = [at for at, _ in path], entry // 2 - 1
                self._last_state = state
            if not path:
                return self._violation(best, blocked)
            at, state = path.pop()
            done &= ~(1 << at)
            open_ends += self._put_back(at)
            entry = following[2 * at + 1]
        return KeyVerdict(self._key, Found.LINEARIZABLE)

    def _ends_known(self, at: int) -> bool:
        one = self._operations[at]
        return one.outcome is not Outcome.INFO and one.completed is not None

    def _take_out(self, at: int) -> int:
        ends = self._ends_known(at)
        for entry in (2 * at + 1, 2 * at + 2)[: 1 + ends]:
            before, after = self._before[entry], self._next[entry]
            self._next[before] = after
            self._before[after] = before
        return int(ends)

    def _put_back(self, at: int) -> int:
        ends = self._ends_known(at)
        for entry in (2 * at + 2, 2 * at + 1)[1 - ends :]:
            self._next[self._before[entry]] = entry
            self._before[self._next[entry]] = entry
        return int(ends)

    def _violation(self, best: Sequence[int], blocked: int) -> KeyVerdict:
        operations = self._operations
        stuck = operations[blocked]
        placed = set(best)
        others = [
            one
            for at, one in enumerate(operations)
            if at not in placed and at != blocked and one.invoked < (stuck.completed or 0)
        ]
        last = [operations[at] for at in best[-5:]]
        lines = [f"no order of its {len(operations)} operations explains every answer"]
        lines.append(f"  at most {len(best)} can be put in order; the last of them:")
        lines += [f"    {one}" for one in last]
        lines.append(
            f"  after which it holds {shown(self._last_state)}; then there is no place for"
        )
        lines += [f"    {one}" for one in (stuck, *others[:5])]
        numbers = tuple(one.number for one in (*last, stuck, *others[:5]))
        return KeyVerdict(self._key, Found.VIOLATED, "\n".join(lines), numbers)


def _may_have_happened(operation: SingleOperation) -> bool:
    """A failure counts only as an answer; a read whose answer never came says nothing."""
    if operation.outcome is Outcome.FAIL:
        return operation.refused
    return operation.outcome is Outcome.OK or operation.kind != "r"


def _unknown_operation(operation: SingleOperation, known: str) -> InvalidOperationError:
    return InvalidOperationError(
        f"O{operation.number} is a {operation.kind!r}: {known}",
        advice="Choose the model that the operations are of",
        code="STX-3080",
    )
