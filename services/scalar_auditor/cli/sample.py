"""``scalar-auditor sample``: what is there to look at, or to measure with?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from scalar_auditor.cli.calling import Server, client_of, server_of
from scalar_auditor.cli.output import say
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.sample import Loaded, Sample


def sample(
    *,
    items: Annotated[int, typer.Option("--items", min=1, help="Files and folders.")] = 10_000,
    events: Annotated[int, typer.Option("--events", min=1, help="At least as many.")] = 100_000,
    sets: Annotated[int, typer.Option("--sets", min=0, help="Audit sets.")] = 50,
    users: Annotated[int, typer.Option("--users", min=1, help="People.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="The same again, or another.")] = 1,
    password_file: Annotated[
        str | None,
        typer.Option(
            "--people-password-file", metavar="FILE", help="Of all people. Else: nobody knows them."
        ),
    ] = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Load a sample through the services, as an AUDIT_ADMIN; what is in already stays.

    Never into a database that is in use: its people and files are made up.
    """
    from scalar_auditor.sample import Sample, Size
    from scalar_tx.cli import passwords
    from scalar_tx.errors import InvalidOperationError

    try:
        size = Size(items=items, events=events, sets=sets, users=users)
    except ValueError as error:
        raise InvalidOperationError(str(error), advice="Give larger numbers") from error
    password = None if password_file is None else passwords.from_file(password_file)
    made = Sample(size, time.time_ns() // 1_000_000, seed)
    began = time.monotonic()
    counts = dict(_load(made, server_of(server), password).counts)
    seconds = round(time.monotonic() - began, 1)
    shown = counts if json else {name: f"{count} {name}" for name, count in counts.items()}
    say("loaded", {**shown, "seconds": seconds if json else f"{seconds} s"}, json=json)


def _load(made: Sample, server: str, password: str | None) -> Loaded:
    from scalar_auditor.sample import load
    from scalar_tx.cli.progress import progress

    with client_of(server) as admin:
        issued = admin.identity.create_service_token(name="sample", lifetime_seconds=86_400)
        try:
            with client_of(server, token=issued.token) as service, progress() as bar:
                tasks = {
                    kind: bar.add_task(kind, total=None)
                    for kind in ("people", "events", "digests", "sets")
                }

                def told(kind: str, count: int, total: int) -> None:
                    bar.update(tasks[kind], completed=count, total=total)

                return load(made, admin, service, password=password, progress=told)
        finally:
            admin.identity.revoke_service_token(name="sample", token_id=issued.token_id)
