"""``scalar-tx doctor``: is everything there, as it should be, and safe?"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from scalar_tx.cli.failures import ENVIRONMENT
from scalar_tx.cli.options import Config, Json

if TYPE_CHECKING:
    from scalar_tx.cli.key_check import TableKeys
    from scalar_tx.errors import InvalidOperationError
    from scalar_tx.model.finding import Finding
    from scalar_tx.model.storage_settings import StorageSettings


def doctor(
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TABLE]...", help="With --keys: look at these only.", show_default=False
        ),
    ] = None,
    *,
    config: Config = None,
    keys: Annotated[
        bool,
        typer.Option(
            "--keys",
            help="Look at every record's key bytes too: some releases of the Java library store "
            "records where no read by key finds them. Reads whole tables.",
        ),
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="With --keys: move such records where they belong.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing, say what would happen.")
    ] = False,
    json: Json = False,
) -> None:
    """Look at settings, storages and tables; say what is wrong and what to do.

    Changes nothing, but for what --repair moves.
    """
    from scalar_tx.cli.examination import examine_tables, sections_of_storages
    from scalar_tx.cli.settings_view import load_and_listen, settings_findings
    from scalar_tx.model.finding import Finding, Verdict

    if not keys and (tables or repair):
        what = "--repair was" if repair else "tables were"
        raise _wrong_use(f"{what} given without --keys")
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
    looked_at = None
    if keys and reachable:
        looked_at = _keys(settings.storage, tables or [], repair=repair and not dry_run)
        sections["keys"] = [finding for one in looked_at for finding in one.findings()] or [
            Finding("all", Verdict.NOTE, "no storage here can have them wrong")
        ]
    if json:
        _print_json(settings.source, sections, looked_at)
    else:
        _print(settings.source, sections)
    if any(one.verdict is Verdict.BAD for found in sections.values() for one in found):
        raise typer.Exit(ENVIRONMENT)


def _wrong_use(what: str) -> InvalidOperationError:
    from scalar_tx.errors import InvalidOperationError

    return InvalidOperationError(what, advice="Write doctor --keys [TABLE]... [--repair]")


def _keys(settings: StorageSettings, names: list[str], *, repair: bool) -> list[TableKeys]:
    from scalar_tx.cli.key_check import check_keys
    from scalar_tx.cli.progress import progress

    with progress() as bar:
        tasks: dict[str, Any] = {}

        def watch(table: str, records: int) -> None:
            if table not in tasks:
                tasks[table] = bar.add_task(table, total=None)
            bar.update(tasks[table], completed=records)

        return check_keys(settings, names, repair=repair, watch=watch)


def _version() -> str:
    from scalar_tx import __version__

    return __version__


def _print_json(
    source: str, sections: dict[str, list[Finding]], keys: list[TableKeys] | None
) -> None:
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
    more = {} if keys is None else {"keys": [one.as_data() for one in keys]}
    print_json({"target": source, "sections": data, "worst": _worst(sections), **more})


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
