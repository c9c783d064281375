"""``scalar-tx demo``: the tour.

``tour`` tells it step by step, ``bank`` is what it is about, ``crew`` starts and kills the
processes that ``worker`` is the body of, ``verdict`` judges whether everything is as promised.
"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_tx.cli.failures import ENVIRONMENT
from scalar_tx.cli.options import Json


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the database, in a folder of this directory.")
    ] = False,
    processes: Annotated[int, typer.Option(min=2, max=16, help="How many work at once.")] = 4,
    seconds: Annotated[
        float, typer.Option(min=0.5, max=15, help="How long they work before one is killed.")
    ] = 4,
    json: Json = False,
) -> None:
    """Take the tour: transfers in several processes, one killed in mid-commit, nothing lost.

    Takes about 25 seconds, needs no server, and leaves nothing behind.
    """
    from scalar_tx.cli.demo.place import place
    from scalar_tx.cli.demo.tour import Tour
    from scalar_tx.cli.output import console, print_json

    screen = console(quiet=json)
    with place(keep=keep) as found:
        tour = Tour(screen, found, processes=processes, seconds=seconds)
        verdict = tour.run()
        found.keep = found.keep or not verdict.kept
    if json:
        print_json({**verdict.as_data(), "folder": str(found.folder) if found.keep else None})
    if not verdict.kept:
        if not json:
            print(f"The database is kept in {found.folder} to be looked at.")
        raise typer.Exit(ENVIRONMENT)
