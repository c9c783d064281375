"""Is a script that is played call by call taken at its word, and are its mistakes named?"""

from __future__ import annotations

import pytest

from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Get, Insert, Scan, Update, Upsert
from tests.scenarios.operations import OPERATIONS, in_words
from tests.scenarios.script import ScriptError, read_cases
from tests.scenarios.stepped_player import SteppedPlayer, WorldWords


def _play(*lines: str) -> SteppedPlayer:
    (case,) = read_cases("a case", "\n".join(lines))
    assert case.world is not None
    player = SteppedPlayer(case.world, Isolation.SERIALIZABLE)
    player.play(case)
    return player


@pytest.mark.parametrize(
    "operation",
    [
        Get("bank.accounts", {"id": 7}),
        [Get("bank.accounts", {"id": 7}), Get("lists.odd", {"shelf": "s", "name": 1})],
        Insert("bank.receipts", {"number": 5, "payer": 0, "payee": 1, "amount": 3}),
        Upsert("lists.even", {"shelf": "s", "name": 2, "elements": ""}),
        Update("bank.accounts", {"id": 7}, {"balance": 90, "name": None}),
        Delete("seats.seats", {"room": "r", "seat": 1}),
        Scan("lists.odd", {"shelf": "s"}, limit=2, order_by=["-name"]),
        Scan("bank.accounts", whole_table=True, limit=1),
        Scan("bank.items", whole_table=True, order_by=["-price", "no"]),
        Scan("rooms.guests", index={"room": 1}),
    ],
    ids=str,
)
def test_words_say_everything_about_an_operation(operation: object) -> None:
    verb, name, *words = in_words(operation, "A").split()  # type: ignore[arg-type]
    assert name == "A"
    assert OPERATIONS[verb](*words) == operation


def test_what_has_no_words_is_refused() -> None:
    with pytest.raises(ScriptError, match="no words"):
        in_words(Get("bank.accounts", {"id": 7}, weak=True), "A")


def test_a_world_is_its_words() -> None:
    words = "world unit=RECORD page=2 storages=2 moments lagging knowing"
    assert str(WorldWords.read(words.split()[1:])) == words
    assert str(WorldWords.read([])) == "world"


@pytest.mark.parametrize(
    "lines,said",
    [
        (["world unit=GALAXY"], "not made by 'unit=GALAXY'"),
        (["world page=many"], "not made by 'page=many'"),
        (["world", "get A accounts/7"], "A has not begun"),
        (["world", "begin A", "begin A"], "A has begun already"),
        (["world", "begin A", "given accounts/7 1"], "too late"),
        (["world", "begin A", "start dance A"], "can't be started"),
        (["world", "begin A", "step A slowly"], "no fault of a call"),
        (["world", "begin A", "prepare A"], "no command in a case with a line 'world'"),
        (["world", "index guests/1"], "no index lags"),
        (["world", "given planets/1 1"], "no table 'planets'"),
        (["begin A", "world"], "made before anything happens"),
    ],
)
def test_a_mistake_in_a_script_is_named(lines: list[str], said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        _play(*lines, "begin Z")


@pytest.mark.parametrize(
    "fault,told,stored",
    [
        ("", "committed", "90 committed by A"),
        ("lose", "committed", "90 committed by A"),
        ("late", "committed", "90 prepared by A, before image 100"),
        ("fail", "committed", "90 prepared by A, before image 100"),
        ("busy", "committed", "90 prepared by A, before image 100"),
        ("down", "committed", "90 prepared by A, before image 100"),
    ],
)
def test_faults_of_the_last_call(fault: str, told: str, stored: str) -> None:
    player = _play(
        "world",
        "given accounts/7 100",
        "begin A   update A accounts/7 90   start commit A   step A x2",
        f"step A {fault} -> {told}",
        f"record accounts/7 -> {stored}",
    )
    assert player.answer("arrive A") == ("" if fault == "late" else "nothing waits", False)
    expected = "90 committed by A" if fault == "late" else stored
    assert player.answer("record accounts/7") == (expected, False)


def test_a_running_command_is_finished_by_the_next_one() -> None:
    _play(
        "world",
        "given accounts/7 100",
        "begin A   start update A accounts/7 90   commit A -> committed",
        "step A -> nothing waits",
        "record accounts/7 -> 90 committed by A",
    )


def test_the_dead_go_on_no_more_but_their_late_effects_come() -> None:
    _play(
        "world",
        "given accounts/7 100",
        "begin A   update A accounts/7 90   start commit A   step A",
        "step A late",
        "crash A",
        "step A -> nothing waits",
        "coordinator A -> none",
        "arrive A",
        "coordinator A -> COMMITTED",
    )
