"""``scalar-tx check-data``: is what lies in the tables what writers leave there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalar_tx.cli.failures import ENVIRONMENT
from scalar_tx.cli.options import Config, Json

if TYPE_CHECKING:
    from scalar_tx.cli.table_check import TableReport
    from scalar_tx.connection import Parts


def check_data(
    tables: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]...", help="Without: all tables.", show_default=False),
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Check that rows decode, none is unsettled, rules of writers hold, and indexes agree.

    Safe beside running programs; their unfinished transactions show as unsettled.
    """
    from scalar_tx.cli.opening import opened
    from scalar_tx.cli.output import print_json

    with opened(config, looking=True) as parts:
        reports, problems = _check(parts, tables or [])
    if json:
        print_json(
            {
                "coordinator": problems,
                "tables": [one.as_data() for one in reports],
                "good": not problems and all(one.good for one in reports),
            }
        )
    else:
        _print(reports, problems)
    if problems or not all(one.good for one in reports):
        raise typer.Exit(ENVIRONMENT)


def _check(parts: Parts, names: list[str]) -> tuple[list[TableReport], list[str]]:
    from scalar_tx.cli.coordinator_check import check_coordinator
    from scalar_tx.cli.opening import run
    from scalar_tx.cli.progress import progress
    from scalar_tx.cli.raw_rows import transactional_tables
    from scalar_tx.cli.table_check import TableCheck

    tables = run(transactional_tables(parts, names))
    # Before the tables: a row of an aborted transaction can't become committed later on.
    aborted, problems = run(check_coordinator(parts))
    reports = []
    with progress() as bar:
        for table in tables:
            task = bar.add_task(table.name, total=None)

            def count(rows: int, task: Any = task) -> None:
                bar.update(task, completed=rows)

            check = TableCheck(parts, table, aborted, count)
            reports.append(run(check.run()))
            bar.update(task, total=reports[-1].rows)
    return reports, problems


def _print(reports: list[TableReport], problems: list[str]) -> None:
    from rich.text import Text

    from scalar_tx.cli.output import console

    screen = console()

    def say(text: str, style: str = "") -> None:
        screen.print(Text(text, style=style), soft_wrap=True)

    for problem in problems:
        say(f"coordinator table: {problem}", "red")
    for one in reports:
        rows = "1 row" if one.rows == 1 else f"{one.rows:,} rows"
        say(f"{one.table}: {rows}, {'good' if one.good else f'{one.count:,} problems'}")
        for note in one.notes:
            say(f"  {note}")
        for problem in one.problems:
            say(f"  {problem}", "red")
        if one.count > len(one.problems):
            say(f"  and {one.count - len(one.problems):,} more")
    if not reports:
        say("There is no transactional table.")
    elif not problems and all(one.good for one in reports):
        say("All data are good.", "green")
    if any(one.unsettled for one in reports):
        say("What to do about unsettled records: scalar-tx recover --all")
    if problems or any(one.count > one.unsettled for one in reports):
        say(
            "What to do about the other problems: keep a copy of the database as it is, look at "
            "the records with scalar-tx inspect, and restore them from a backup."
        )
