"""``scalar-tx demo``: the tour.

``tour`` tells it step by step, ``bank`` is what it is about, ``place`` where that lies (``servers``
starts some, ``configured`` takes those of the settings). ``crew`` starts and kills the processes
that ``worker`` is the body of, ``verdict`` judges whether everything is as promised, ``closing``
sums it up.
"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_tx.cli.failures import ENVIRONMENT
from scalar_tx.cli.options import Json


def demo(  # noqa: PLR0917  # typer calls it by name
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="NAME[+NAME]",
            help="Real databases: cassandra, dynamodb, postgresql, mysql, sqlite, or several, as "
            "cassandra+dynamodb. Servers that --config does not name are started from a checkout.",
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="TARGET",
            help="Running databases: a properties file or a URL. The tour makes tables of its own "
            "in them and removes these again.",
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the database, in a folder of this directory.")
    ] = False,
    processes: Annotated[int, typer.Option(min=2, max=16, help="How many work at once.")] = 4,
    seconds: Annotated[
        float, typer.Option(min=0.5, max=60, help="How long they work before one is killed.")
    ] = 4,
    json: Json = False,
) -> None:
    """Take the tour: transfers in several processes, one killed in mid-commit, nothing lost.

    Takes about 25 seconds, needs no server, and leaves nothing behind. With --storage it goes over
    real servers, and through several of them in one transaction, in a minute or two.
    """
    from scalar_tx.cli.demo.place import place
    from scalar_tx.cli.demo.tour import Tour
    from scalar_tx.cli.output import console, print_json

    screen = console(quiet=json)
    storages = _storages(storage, config)
    if keep and storages and config is None and set(storages) != {"sqlite"}:
        raise typer.BadParameter(
            "the servers that the tour starts end with it, and their data too. Start some with "
            "make servers, and name their properties by --config",
            param_hint="--keep",
        )
    with place(screen, keep=keep, storages=storages, config=config) as found:
        tour = Tour(screen, found, processes=processes, seconds=seconds)
        verdict = tour.run()
        found.keep = found.keep or not verdict.kept
    if json:
        print_json({**verdict.as_data(), "folder": str(found.folder) if found.keep else None})
    if not verdict.kept:
        if not json:
            print(f"{found.kept_things} kept in {found.folder} to be looked at.")
        raise typer.Exit(ENVIRONMENT)


def _storages(text: str | None, config: str | None) -> list[str]:
    """The storages that are asked for, by the tour's names; none: the embedded database."""
    from scalar_tx.cli.demo.configured import canonical, described, names

    if text is None:
        return [] if config is None else described(config)
    given = [name.strip().lower() for name in text.split("+")]
    found = []
    for name in given:
        known = canonical(name)
        if known is None:
            raise typer.BadParameter(
                f"there is no {name!r} for the tour: take {', '.join(names())}, "
                "or several of them joined by +",
                param_hint="--storage",
            )
        if known in found:
            raise typer.BadParameter(f"{name!r} is there twice", param_hint="--storage")
        found.append(known)
    return [] if found == ["sqlite"] and config is None else found
