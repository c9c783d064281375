"""How is a record's situation shown, to people and to programs?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from scalar_tx.cli.output import (
    plain,
    plain_row,
    shown,
    shown_duration,
    shown_key,
    shown_time,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from scalar_tx.model.types import Row
    from scalar_tx.record_situation import Situation

_STATE_STYLES = {"COMMITTED": "bold green", "ABSENT": "bold"}
_UNSETTLED_STYLE = "bold yellow"


def print_situation(screen: Console, situation: Situation) -> None:
    """Print what ``situation_lines`` says."""
    for line in situation_lines(situation):
        screen.print(line)


def situation_lines(situation: Situation) -> list[RenderableType]:
    """State, writer, both images, and what will happen."""
    key = situation.table.key_mapping(situation.key)
    lines: list[RenderableType] = [
        Text.assemble((situation.table.name, "bold"), "  ", shown_key(key)),
        _facts(situation),
    ]
    if situation.row is not None:
        lines.append(_images(situation))
    return [*lines, Text(situation.outlook)]


def _facts(situation: Situation) -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    style = _STATE_STYLES.get(situation.state, _UNSETTLED_STYLE)
    facts.add_row("state", Text(situation.state, style=style))
    row = situation.row
    if row is None:
        return facts
    facts.add_row("writer", Text(situation.writer or "none since it was imported"))
    facts.add_row("version", shown(row["tx_version"]))
    if isinstance(row["tx_prepared_at"], int):
        at = shown_time(row["tx_prepared_at"])
        facts.add_row("prepared", f"{at}, {shown_duration(situation.age_ms)} ago")
    if situation.unsettled:
        facts.add_row("decision", _decision(situation))
    elif isinstance(row["tx_committed_at"], int):
        facts.add_row("committed", shown_time(row["tx_committed_at"]))
    return facts


def _decision(situation: Situation) -> str:
    decision = situation.decision
    if decision is not None:
        return f"{decision.state.value}, {shown_time(decision.decided_at)}"
    if situation.alive:
        return f"none yet; the writer has another {shown_duration(situation.expires_in_ms)}"
    return "none, and the writer's time is over"


def _images(situation: Situation) -> Table:
    images = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    images.add_column("column", no_wrap=True)
    if not situation.unsettled:
        images.add_column("value", overflow="fold")
        for name, value in (situation.current or {}).items():
            images.add_row(Text(name), Text(shown(value)))
        return images
    images.add_column("before", overflow="fold")
    images.add_column("written by the transaction", overflow="fold")
    for name in situation.table.value_columns:
        before, after = _cell(situation.previous, name), _cell(situation.current, name)
        images.add_row(
            Text(name), Text(before), Text(after, style="" if after == before else "yellow")
        )
    if not situation.table.value_columns:
        images.add_row("", _presence(situation.previous), _presence(situation.current))
    return images


def _cell(image: Row | None, column: str) -> str:
    return "(no record)" if image is None else shown(image[column])


def _presence(image: Row | None) -> str:
    return "(no record)" if image is None else "the record"


def as_data(situation: Situation) -> dict[str, Any]:
    """The same for programs."""
    data: dict[str, Any] = {
        "table": situation.table.name,
        "key": plain_row(situation.table.key_mapping(situation.key)),
        "state": situation.state,
        "outlook": situation.outlook,
    }
    row = situation.row
    if row is None:
        return data
    data["writer"] = situation.writer
    data["version"] = plain(row["tx_version"])
    data["prepared_at_ms"] = plain(row["tx_prepared_at"])
    data["committed_at_ms"] = plain(row["tx_committed_at"])
    data["current"] = situation.current and plain_row(situation.current)
    if situation.unsettled:
        decision = situation.decision
        data["previous"] = situation.previous and plain_row(situation.previous)
        data["decision"] = None if decision is None else decision.state.value
        data["age_ms"] = situation.age_ms
        data["alive"] = situation.alive
        data["expires_in_ms"] = situation.expires_in_ms if situation.alive else None
    return data
