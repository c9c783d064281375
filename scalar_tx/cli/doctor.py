"""``scalar-tx doctor``: is everything there, as it should be, and safe?"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, Final

import typer

from scalar_tx.cli.failures import ENVIRONMENT
from scalar_tx.cli.options import Config, Json

if TYPE_CHECKING:
    from scalar_tx.model.finding import Finding


def doctor(config: Config = None, json: Json = False) -> None:
    """Look at settings, storages and tables; say what is wrong and what to do. Changes nothing."""
    from scalar_tx.cli.examination import examine_tables, sections_of_storages
    from scalar_tx.cli.settings_view import load_and_listen, settings_findings
    from scalar_tx.model.finding import Finding, Verdict

    settings, said = load_and_listen(config)
    sections: dict[str, list[Finding]] = {
        "versions": [
            Finding("scalar_tx", Verdict.NOTE, _version()),
            Finding("Python", Verdict.NOTE, f"{platform.python_version()} on {platform.system()}"),
        ],
        "settings": [*settings_findings(settings), *said],
    }
    storages, reachable = sections_of_storages(settings.storage)
    sections.update(storages)
    if reachable:
        sections["tables"] = examine_tables(settings)
    if json:
        _print_json(settings.source, sections)
    else:
        _print(settings.source, sections)
    if any(one.verdict is Verdict.BAD for found in sections.values() for one in found):
        raise typer.Exit(ENVIRONMENT)


def _version() -> str:
    from scalar_tx import __version__

    return __version__


def _print_json(source: str, sections: dict[str, list[Finding]]) -> None:
    from scalar_tx.cli.output import print_json

    data: dict[str, Any] = {
        title: [
            {
                "subject": one.subject,
                "verdict": one.verdict.value,
                "text": one.text,
                "advice": one.advice,
            }
            for one in found
        ]
        for title, found in sections.items()
    }
    print_json({"target": source, "sections": data, "worst": _worst(sections)})


_ORDER: Final = ("bad", "warning", "note", "good")


def _worst(sections: dict[str, list[Finding]]) -> str:
    verdicts = {one.verdict.value for found in sections.values() for one in found}
    return next((word for word in _ORDER if word in verdicts), "good")


_MARKS: Final = {
    "good": ("ok", "green"),
    "note": ("", ""),
    "warning": ("!", "yellow"),
    "bad": ("BAD", "bold red"),
}


def _print(source: str, sections: dict[str, list[Finding]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from scalar_tx.cli.output import console

    screen = console()
    screen.print(Text(source, style="bold"))
    width = max(len(one.subject) for found in sections.values() for one in found)
    for title, found in sections.items():
        screen.print()
        screen.print(Text(title, style="bold"))
        lines = Table.grid(padding=(0, 1))
        lines.add_column(width=3, justify="right")
        lines.add_column(style="dim", min_width=min(width, 24), overflow="fold")
        lines.add_column(overflow="fold")
        for one in found:
            mark, style = _MARKS[one.verdict.value]
            text = Text(one.text)
            if one.advice:
                text.append(f"\n{one.advice}.", style="italic")
            lines.add_row(Text(mark, style=style), Text(one.subject), text)
        screen.print(lines)
    screen.print()
    screen.print(_summary(sections))


def _summary(sections: dict[str, list[Finding]]) -> str:
    def count(word: str) -> int:
        return sum(one.verdict.value == word for found in sections.values() for one in found)

    bad, warnings = count("bad"), count("warning")
    if not bad and not warnings:
        return "All is well."
    parts = [f"{bad} to be repaired"] if bad else []
    parts += [f"{warnings} to be thought about"] if warnings else []
    return f"{' and '.join(parts)}: see the lines marked BAD and !."
