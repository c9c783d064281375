"""``scalar-auditor events``: what happened?"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from scalar_auditor.cli import output
from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import InSet, Limit
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_auditor.client import AuditorClient
    from scalar_auditor.rpc.v1 import event_pb2

app = typer.Typer(help="What happened to files.", no_args_is_help=True)

Type: TypeAlias = Annotated[str, typer.Option("--type", metavar="TYPE", help="Such as UPLOAD.")]
COLUMNS: Final = ("created_at", "event_type", "item_id", "item_name", "user_email", "event_id")
_TRIES: Final = 5  # streams in a row without an event
_PAUSE: Final = 1.0  # seconds between them


@app.command(name="query")
@calling
def query(
    *,
    from_day: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="As 2026-11-23, in UTC. Else: today."),
    ] = None,
    to_day: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="That day too. Else: today.")
    ] = None,
    audit_set: InSet = "",
    event_type: Type = "",
    user: Annotated[str, typer.Option("--user", metavar="EMAIL", help="Who did it.")] = "",
    item: Annotated[str, typer.Option("--item", metavar="ITEM", help="To which item.")] = "",
    limit: Limit = 100,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Print events, newest first."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    found = client.event.query_events(
        from_day=from_day or today,
        to_day=to_day or max(today, from_day or today),
        audit_set_id=audit_set,
        event_type=event_type,
        user_email=user,
        item_id=item,
    )
    output.show_all(found, COLUMNS, json=json, limit=limit, empty="There is none that you may see.")


@app.command(name="watch")
@calling
def watch(
    *,
    audit_set: InSet = "",
    after: Annotated[
        str, typer.Option("--after", metavar="EVENT", help="Go on behind that event. Else: now.")
    ] = "",
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Print events as they come in, until Ctrl-C; each at least once. With --json a line each."""
    output.show_as_they_come(watched(client, audit_set, after), COLUMNS, json=json)


def watched(client: AuditorClient, audit_set: str, after: str) -> Iterator[event_pb2.Event]:
    """Events over as many streams as it takes. AuditorError: it can't be watched."""
    from scalar_auditor.client import AuditorError

    # What comes in between two streams is behind the moment that the first one began at.
    begun = f"{time.time_ns() // 1_000_000:013d}-0"
    tries = 0
    while True:
        try:
            for event in client.event.watch(audit_set_id=audit_set, after_event_id=after):
                tries, after = 0, max(after, event.event_id)
                yield event
        except AuditorError as error:
            tries += 1
            if error.code not in {"UNAVAILABLE", "CANCELLED", "UNAUTHENTICATED"} or tries >= _TRIES:
                error.advice = (
                    f"{error.advice}; go on with --after {after}" if after else error.advice
                )
                raise
        after = after or begun
        time.sleep(_PAUSE)
