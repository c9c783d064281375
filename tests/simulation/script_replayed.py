"""Does a script still tell the same when its commands are others, or its transactions' names?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.scenarios.script import ScriptError
from tests.scenarios.stepped_player import RUNNING, SteppedPlayer
from tests.scenarios.tables import SEED
from tests.simulation.script_words import letters, with_other_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.types import Row, Value
    from tests.scenarios.stepped_player import WorldWords
    from tests.simulation.script_lines import Item


def played(
    items: list[Item], words: WorldWords, level: Isolation
) -> tuple[list[Item], SteppedPlayer] | None:
    """Commands with their answers, and who has played them; None if they can't be played."""
    player = SteppedPlayer(str(words).split()[1:], level)
    answered = []
    for item in items:
        try:
            answer, failed = player.answer(item.command)
        except ScriptError:
            return None
        answered.append(replace(item, answer=answer, failed=failed, ended=answer != RUNNING))
    return answered, player


def changed_rows(player: SteppedPlayer, tables: Iterable[str]) -> object:
    """What is stored by now that was not given."""
    return {
        table: {
            key: comparable(row, {})
            for key, row in player.memories[player.place(table)].admin.contents(table).rows.items()
            if row["tx_id"] != SEED
        }
        for table in tables
    }


def comparable(row: Row, ids: Mapping[str, str]) -> dict[str, Value]:
    """What is stored but for times, and with the script's names for transactions."""
    return {
        name: ids.get(str(value), value) if name.endswith("tx_id") else value
        for name, value in row.items()
        if value is not None and not name.endswith("_at")
    }


def new_names(items: list[Item]) -> dict[str, str]:
    """A, B, C and so on for the transactions that are left, by their names until now."""
    names = dict.fromkeys(item.of for item in items if item.of)
    return {name: letters(number) for number, name in enumerate(names)}


def renamed(items: list[Item], new: Mapping[str, str]) -> list[Item]:
    """The same with other names."""
    return [
        replace(
            item,
            of=new.get(item.of, item.of),
            command=with_other_names(item.command, new),
            answer=with_other_names(item.answer, new),
        )
        for item in items
    ]
