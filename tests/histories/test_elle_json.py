"""Is a history read as it was written, and a bad line refused by its number?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.histories import Outcome, Transaction, read_history, write_history
from scalar_tx.model.isolation import Isolation
from tests.histories.weak_databases import drawn_history


def lines(*operations: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in operations)


def plain(history: list[Transaction]) -> list[Any]:
    return [
        [
            one.outcome,
            one.process,
            [
                (kind, key, list(value) if isinstance(value, tuple) else value)
                for kind, key, value in one.operations
            ],
            one.level,
            one.name,
        ]
        for one in history
    ]


@pytest.mark.parametrize("registers", [False, True])
@pytest.mark.parametrize("as_array", [False, True])
def test_what_is_written_is_read_again(registers: bool, as_array: bool) -> None:
    for seed in range(50):
        history = drawn_history(seed, registers=registers)
        for number, one in enumerate(history):
            one.level = list(Isolation)[number % 3]
            one.name = f"id-{number}"
            if one.outcome is not Outcome.OK:
                one.operations = [
                    (kind, key, None if kind == "r" else value)
                    for kind, key, value in one.operations
                ]
        written = list(write_history(history))
        text = f"[{','.join(written)}]" if as_array else "".join(written)
        read = read_history(text)
        assert plain(read.transactions) == plain(history)
        order = [each.number for each in sorted(history, key=lambda each: each.completed or 0)]
        again = sorted(
            zip(read.transactions, history, strict=True), key=lambda p: p[0].completed or 0
        )
        assert [each.number for _, each in again] == order
        assert read.model == ("rw-register" if registers else "list-append")


INVOKE = {"type": "invoke", "process": 0, "f": "txn", "value": [["append", "x", 1]]}


def test_a_transaction_that_never_answered_is_unknown() -> None:
    [one] = read_history(lines(INVOKE)).transactions
    assert (one.outcome, one.completed, one.operations) == (Outcome.INFO, None, INVOKE["value"])


def test_an_answer_without_operations_is_about_those_that_were_asked_for() -> None:
    [one] = read_history(lines(INVOKE, {"type": "info", "process": 0, "value": None})).transactions
    assert (one.outcome, one.operations) == (Outcome.INFO, INVOKE["value"])


def test_answers_without_a_beginning_have_no_time() -> None:
    [one] = read_history(lines({**INVOKE, "type": "ok"})).transactions
    assert (one.outcome, one.invoked) == (Outcome.OK, None)


def test_what_is_no_transaction_is_passed_over() -> None:
    nemesis = {"type": "info", "process": "nemesis", "f": "kill", "value": None}
    history = read_history(lines(nemesis, INVOKE, {**INVOKE, "type": "ok"}))
    assert len(history.transactions) == 1
    assert history.notes == ["1 operations that are no transactions"]


def test_a_line_cut_off_at_the_end_is_passed_over() -> None:
    text = lines(INVOKE, {**INVOKE, "type": "ok"})
    history = read_history(text + text[:20], "my.jsonl")
    assert len(history.transactions) == 1
    assert history.notes == ["line 3 of my.jsonl is cut off and was passed over"]


@pytest.mark.parametrize(
    "bad,said",
    [
        ("{", "is no JSON"),
        ("7", "is a whole number, and no JSON object"),
        ('{"type": "okay"}', "has the type 'okay'"),
        ('{"type": null}', "has the type null"),
        ('{"type": "ok", "process": 1.5}', "has a fraction as its process"),
        ('{"type": "ok", "index": "a"}', "has a text as its index"),
        ('{"type": "ok", "level": "HIGH"}', "has the level 'HIGH'"),
        ('{"type": "ok", "value": {}}', "has an object as its value"),
        ('{"type": "ok", "value": [["r", "x"]]}', "where [f, key, value] belongs"),
        ('{"type": "ok", "value": [["pop", "x", 1]]}', "which can't be"),
        ('{"type": "ok", "value": [["append", "x", [1]]]}', "which can't be"),
        ('{"type": "ok", "value": [["append", "x", 1.0]]}', "which can't be"),
        ('{"type": "ok", "value": [["append", true, 1]]}', "which can't be"),
        ('{"type": "ok", "value": [["r", "x", [[1]]]]}', "which can't be"),
        ('{"type": "invoke"}', "begins a transaction of process 0, which has not ended"),
        ('{"type": "ok", "value": [["w", "x", 1]]}', "of the model rw-register, where line 1"),
    ],
)
def test_a_bad_line_is_named(bad: str, said: str) -> None:
    text = lines(INVOKE) + "\n" + bad + "\n" + lines({**INVOKE, "type": "ok"})
    with pytest.raises(InvalidOperationError, match="STX-3082") as caught:
        read_history(text, "my.jsonl")
    assert caught.value.message.startswith("line 3 of my.jsonl ")
    assert said in caught.value.message


def test_a_bad_array_is_named() -> None:
    with pytest.raises(InvalidOperationError, match=r"line 2 of my\.json is no JSON"):
        read_history('[{"type": "ok"},\n]', "my.json")


def test_doubled_indexes_are_numbered_anew() -> None:
    history = read_history(lines({**INVOKE, "type": "ok", "index": 3}, {"type": "ok", "index": 3}))
    assert [one.number for one in history.transactions] == [0, 1]
    assert history.notes
