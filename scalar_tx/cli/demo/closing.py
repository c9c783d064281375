"""How does the tour end: the figures, where the records lie, and what to do next?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from scalar_tx.cli.demo.bank import TRANSFER
from scalar_tx.cli.opening import run
from scalar_tx.cli.output import command_line
from scalar_tx.cli.raw_rows import all_rows

if TYPE_CHECKING:
    from scalar_tx.cli.demo.bank import Bank
    from scalar_tx.cli.demo.place import Place
    from scalar_tx.cli.demo.verdict import Verdict
    from scalar_tx.connection import Parts
    from scalar_tx.model.types import Row


def sum_of(verdict: Verdict, bank: Bank) -> Table:
    """The figures of the tour."""
    figures = Table.grid(padding=(0, 2))
    figures.add_column(justify="right", style="bold")
    figures.add_column()
    for number, text in (
        (verdict.attempted, f"transfers attempted, in {verdict.processes} processes"),
        (verdict.committed, "committed, as their processes were told"),
        (verdict.retried, "reruns after a conflict, made by the library"),
        (verdict.given_up, f"given up after {bank.patience_s:g} s of conflicts"),
        (verdict.failed, "failed"),
        (verdict.killed, "killed in mid-commit"),
        (verdict.recovered, "records recovered"),
        (verdict.total_found, f"in all accounts, expected {verdict.total_expected:,}"),
    ):
        if number or text != "failed":
            figures.add_row(f"{number:,}", text)
    return figures


def whereabouts(parts: Parts, bank: Bank) -> Table:
    """Which database holds what: each table as it lies there, counted and summed up."""
    lines = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("database", "table"):
        lines.add_column(title, no_wrap=True)
    for title in ("records", "money"):
        lines.add_column(title, justify="right")
    total = 0
    for name in (*bank.accounts, TRANSFER, parts.coordinator.name):
        table = run(parts.storage.admin.table(name))
        if table is None:
            continue
        count = money = 0
        pages = all_rows(parts, table)
        while (rows := run(pages.next_page())) is not None:
            count += len(rows)
            money += sum(_money(row) for row in rows)
        total += money
        holds_money = name in bank.accounts
        lines.add_row(
            Text(parts.storage.info(name).name, style="cyan"),
            name,
            f"{count:,}",
            f"{money:,}" if holds_money else "",
        )
    lines.add_row("", "", "", Text(f"{total:,}", style="bold"))
    return lines


def _money(row: Row) -> int:
    balance = row.get("balance", 0)
    return balance if isinstance(balance, int) else 0


def next_steps(place: Place) -> Table:
    """Three things to do after the tour."""
    command = command_line()
    if place.keep:
        first = f"{command} inspect {place.bank.account(1)} id=1 --config {place.target}"
        second = f"{command} check-data --config {place.target}"
    elif place.bank.storages:
        first = "docs/databases: properties, tables, promises and costs of each"
        second = f"{command} doctor --config your.properties"
    else:
        first = f"{command} demo --keep"
        second = f"{command} doctor"
    looks = "read on" if place.bank.storages and not place.keep else "look into this bank"
    steps = Table.grid(padding=(0, 2))
    steps.add_column(style="dim", no_wrap=True)
    steps.add_column(overflow="fold")
    for what, how in (
        (looks, first),
        ("check a database", second),
        ("write your own", 'db = scalar_tx.connect("sqlite:///shop.db"), as README.md shows'),
    ):
        steps.add_row(what, Text(how, style="cyan"))
    return steps
