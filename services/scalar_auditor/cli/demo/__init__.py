"""``scalar-auditor demo``: the tour of the services, from keys to a file that was altered.

``tour`` tells it step by step; ``running_node`` is the node that it calls.
"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_tx.cli.failures import ENVIRONMENT


def demo(
    *,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep", metavar="FOLDER", help="Work in a new folder that stays. Else: it goes."
        ),
    ] = None,
    items: Annotated[int, typer.Option("--items", min=40, help="Files and folders.")] = 200,
    events: Annotated[int, typer.Option("--events", min=40, help="At least as many.")] = 600,
) -> None:
    """Take the tour: a node with the five services, a sample, and a file that somebody altered.

    Takes half a minute, needs no server, and leaves nothing behind.
    """
    from scalar_auditor.cli.demo.tour import Tour, place
    from scalar_tx.cli.output import console

    with place(keep) as folder:
        kept = Tour(console(), folder, items=items, events=events).run()
    if not kept:
        raise typer.Exit(ENVIRONMENT)
