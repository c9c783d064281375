"""Are single operations judged as trying every order of them judges?"""

from __future__ import annotations

import time
from collections import Counter
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.histories import Found, Outcome, SingleOperation, check_linearizable
from tests.histories.weak_databases import Dice

if TYPE_CHECKING:
    from collections.abc import Sequence

HISTORIES = 1500


def one(number: int, kind: str, value: Any, begin: float, end: float | None, **more: Any) -> Any:
    if end is None:
        more.setdefault("outcome", Outcome.INFO)
    return SingleOperation(number, kind, "x", value, begin, end, **more)


# name, model, operations, whether they are linearizable
CASES: list[tuple[str, str, list[SingleOperation], bool]] = [
    ("stale read", "register", [one(1, "w", 1, 0, 1), one(2, "r", None, 2, 3)], False),
    ("read beside a write", "register", [one(1, "w", 1, 0, 2), one(2, "r", None, 1, 3)], True),
    (
        "new, then old",
        "register",
        [one(1, "w", 1, 0, 9), one(2, "r", 1, 1, 2), one(3, "r", None, 3, 4)],
        False,
    ),
    (
        "unknown write that was seen",
        "register",
        [one(1, "w", 1, 0, None), one(2, "r", 1, 5, 6)],
        True,
    ),
    (
        "unknown write that took effect late",
        "register",
        [one(1, "w", 1, 0, None), one(2, "r", None, 5, 6), one(3, "r", 1, 7, 8)],
        True,
    ),
    (
        "unknown write that was undone",
        "register",
        [one(1, "w", 1, 0, None), one(2, "r", 1, 5, 6), one(3, "r", None, 7, 8)],
        False,
    ),
    (
        "unknown write seen too early",
        "register",
        [one(2, "r", 1, 0, 1), one(1, "w", 1, 2, None)],
        False,
    ),
    (
        "failed write that was seen",
        "register",
        [one(1, "w", 1, 0, 1, outcome=Outcome.FAIL), one(2, "r", 1, 2, 3)],
        False,
    ),
    (
        "two compare-and-sets from one value",
        "register",
        [one(1, "w", 1, 0, 1), one(2, "cas", (1, 2), 2, 5), one(3, "cas", (1, 3), 2, 5)],
        False,
    ),
    (
        "one after the other",
        "register",
        [one(1, "w", 1, 0, 1), one(2, "cas", (1, 2), 2, 5), one(3, "cas", (2, 3), 2, 5)],
        True,
    ),
    (
        "refused without need",
        "register",
        [one(1, "w", 1, 0, 1), one(2, "cas", (1, 2), 2, 3, outcome=Outcome.FAIL, refused=True)],
        False,
    ),
    (
        "append that is missing",
        "list",
        [one(1, "append", 1, 0, 1), one(2, "append", 2, 2, 3), one(3, "r", (2,), 4, 5)],
        False,
    ),
    (
        "appends beside each other",
        "list",
        [one(1, "append", 1, 0, 3), one(2, "append", 2, 0, 3), one(3, "r", (2, 1), 4, 5)],
        True,
    ),
]


@pytest.mark.parametrize("name,model,operations,good", CASES, ids=[case[0] for case in CASES])
def test_by_hand(name: str, model: str, operations: list[SingleOperation], good: bool) -> None:
    verdict = check_linearizable(operations, model)
    assert verdict.valid == good, str(verdict)
    assert (verdict.found is Found.VIOLATED) == (not good)


def test_a_counterexample_names_the_operations() -> None:
    verdict = check_linearizable(CASES[0][2], "register")
    assert "O2 [2, 3] r None" in str(verdict)
    assert "after which it holds 1" in str(verdict)
    assert verdict.keys[0].operations == (1, 2)


def drawn(seed: int) -> tuple[str, list[SingleOperation]]:
    """Up to six operations on one key, whose answers may be wrong."""
    dice = Dice(seed)
    model = dice.pick(("register", "list"))
    operations: list[SingleOperation] = []
    for number in range(2 + dice.below(5)):
        begin = dice.below(12)
        end = begin + 1 + dice.below(6)
        unknown = dice.chance(0.2)
        kind = dice.pick(("r", "r", "w", "cas") if model == "register" else ("r", "append"))
        value: Any
        refused = False
        if kind == "cas":
            value, refused = (dice.below(3), dice.below(3)), not unknown and dice.chance(0.3)
        elif model == "register":
            value = dice.below(3) or None if kind == "r" else 1 + dice.below(2)
        else:
            value = number
            if kind == "r":
                before = [each.value for each in operations if each.kind == "append"]
                value = tuple(before[: dice.below(3)] if dice.chance(0.7) else before[::-1])
        outcome = Outcome.FAIL if refused else Outcome.INFO if unknown else Outcome.OK
        answered = None if unknown else end
        operations.append(
            one(number, kind, value, begin, answered, outcome=outcome, refused=refused)
        )
    return model, operations


def has_an_order(model: str, operations: Sequence[SingleOperation]) -> bool:
    """The definition: some order of all that happened, and of some that may have, fits."""
    sure = [each for each in operations if each.completed is not None]
    open_ended = [each for each in operations if each.completed is None]
    for chosen in range(1 << len(open_ended)):
        those = sure + [each for at, each in enumerate(open_ended) if chosen >> at & 1]
        if any(fits(model, order) for order in permutations(those)):
            return True
    return False


def fits(model: str, order: Sequence[SingleOperation]) -> bool:
    for at, each in enumerate(order):
        if any(
            later.completed is not None and later.completed < each.invoked
            for later in order[at + 1 :]
        ):
            return False
    value: Any = None if model == "register" else ()
    for each in order:
        known = each.outcome is not Outcome.INFO
        if each.kind == "r":
            if known and each.value != value:
                return False
        elif each.kind == "w":
            value = each.value
        elif each.kind == "append":
            value = (*value, each.value)
        elif each.refused:
            if value == each.value[0]:
                return False
        elif value == each.value[0]:
            value = each.value[1]
        else:
            return False
    return True


def test_the_same_as_trying_every_order() -> None:
    answers: Counter[tuple[str, bool]] = Counter()
    for seed in range(HISTORIES):
        model, operations = drawn(seed)
        expected = has_an_order(model, operations)
        assert check_linearizable(operations, model).valid == expected, (seed, operations)
        answers[model, expected] += 1
    assert len(answers) == 4
    assert min(answers.values()) >= HISTORIES / 10, answers


def served(seed: int, count: int, *, wrong_read: int = 0) -> list[SingleOperation]:
    """What five clients did on three registers that are as they should be, but for one read."""
    dice = Dice(seed)
    values: dict[int, Any] = {}
    busy: dict[int, list[Any]] = {}
    done: list[SingleOperation] = []
    number = clock = reads = 0
    while number < count or busy:
        clock += 1
        client = dice.below(5)
        if client not in busy:
            if number < count:
                kind = dice.pick(("r", "w", "cas"))
                value = {"w": dice.below(5), "cas": (dice.below(5), dice.below(5))}.get(kind)
                busy[client] = [
                    SingleOperation(number, kind, dice.below(3), value, clock, None),
                    False,
                ]
                number += 1
            continue
        operation, happened = busy[client]
        if happened:
            operation.completed = clock
            done.append(operation)
            del busy[client]
        elif dice.chance(0.5):
            busy[client][1] = True
            key = operation.key
            if operation.kind == "r":
                reads += 1
                operation.value = "never written" if reads == wrong_read else values.get(key)
            elif operation.kind == "w":
                values[key] = operation.value
            elif values.get(key) == operation.value[0]:
                values[key] = operation.value[1]
            else:
                operation.outcome, operation.refused = Outcome.FAIL, True
    return done


def test_two_thousand_operations_are_judged_at_once() -> None:
    begun = time.process_time()
    assert check_linearizable(served(1, 2000), "register").valid
    wrong = check_linearizable(served(1, 2000, wrong_read=500), "register")
    assert [one.found for one in wrong.keys].count(Found.VIOLATED) == 1
    assert time.process_time() - begun < 8  # each within 2 s; the rest is for a busy machine


def test_a_bound_that_is_hit_says_so() -> None:
    verdict = check_linearizable(served(1, 200), "register", steps=50)
    assert verdict.found is Found.UNKNOWN
    assert not verdict.valid
    assert "within the bound" in str(verdict)


@pytest.mark.parametrize("model,kind", [("queue", "r"), ("register", "append"), ("list", "cas")])
def test_what_no_model_has_is_refused(model: str, kind: str) -> None:
    with pytest.raises(InvalidOperationError, match="STX-3080"):
        check_linearizable([one(1, kind, (1, 2), 0, 1)], model)
