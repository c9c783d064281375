"""``scalar-auditor import``: how does a recorded stream of events get in?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalar_auditor.cli.calling import calling
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient


@calling
def import_events(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="BOX's answers to GET /2.0/events, in their order.",
            show_default=False,
        ),
    ],
    *,
    user: Annotated[
        str, typer.Option("--user", metavar="ID", help="Whose stream it is.", show_default=False)
    ],
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=500, help="Events in one transaction.")
    ] = 500,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Take in a recorded stream, each event once: it goes on where it ended last time.

    Needs a service's token, in SCALAR_AUDITOR_TOKEN.
    """
    from scalar_auditor.cli.output import say
    from scalar_auditor.event.box import RecordedStream
    from scalar_auditor.event.importer import Importer
    from scalar_tx.errors import InvalidOperationError

    try:
        source = RecordedStream(files)
        done = Importer(client.event, source, user, batch_size=batch).run()
    except (OSError, ValueError, LookupError) as error:
        raise InvalidOperationError(
            str(error), advice="Give all files of the stream since then, in their order"
        ) from error
    if json:
        say("imported", asdict(done), json=True)
    else:
        print(f"imported: {done.events} events; the stream is in until {done.position!r}")
