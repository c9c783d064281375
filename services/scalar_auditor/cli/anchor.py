"""``scalar-auditor anchor``: where are all histories now, written where nobody changes it?"""

from __future__ import annotations

from typing import Annotated

import typer

from scalar_auditor.cli.options import KeysFile
from scalar_tx.cli.options import Config, Json


def anchor(
    to: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A new file, or s3://bucket/key.", show_default=False),
    ],
    *,
    config: Config = None,
    keys: KeysFile = None,
    json: Json = False,
) -> None:
    """Write the heads of all histories, signed. Keep it where who writes the database can't.

    TARGET is what the node is started with. Exit code 1: some items are altered, and left out.
    """
    from scalar_auditor.cli.database import keys_of, with_database
    from scalar_auditor.parts import wall_clock_ms
    from scalar_auditor.verification.anchor import write
    from scalar_tx.cli.output import console, print_json

    ring = keys_of(keys)
    with console(errors=True).status("anchoring") as status:
        written = with_database(
            config,
            lambda manager: write(
                manager,
                ring,
                to,
                wall_clock_ms(),
                lambda count: status.update(f"anchoring: {count} items"),
            ),
        )
    if json:
        header = written.header
        data = {"to": to, "heads": header.heads, "key_id": header.key_id}
        print_json({**data, "made_at": header.made_at, "left_out": written.left_out})
    else:
        typer.echo(f"{written.header.heads} heads written to {to}")
        for item in written.left_out:
            typer.echo(f"  left out, since it is not as it was signed: {item}")
    if written.left_out:
        raise typer.Exit(1)
