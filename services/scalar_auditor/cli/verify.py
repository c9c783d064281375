"""``scalar-auditor verify``: was a file altered?"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalar_auditor.cli import output
from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import InSet, ItemId
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient


@calling
def verify(
    item: ItemId,
    *,
    audit_set: InSet = "",
    sha1: Annotated[
        str, typer.Option("--sha1", metavar="DIGEST", help="The digest of the file as it is now.")
    ] = "",
    file: Annotated[
        str | None, typer.Option("--file", metavar="FILE", help="The file itself, as it is now.")
    ] = None,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Compare a file with what was registered, and check what is stored of it.

    Without --sha1 and --file only what is stored is checked. Exit code 1: it was tampered with.
    """
    from scalar_tx.errors import InvalidOperationError

    if sha1 and file:
        raise InvalidOperationError(
            "--sha1 and --file say the same thing", advice="Give one of the two"
        )
    verdict = client.verification.verify_item(
        item_id=item, audit_set_id=audit_set, sha1_hash=_digest(file) if file else sha1
    )
    if json:
        output.show(verdict, json=True)
    else:
        print_verdict(verdict)
    if verdict.tampering_status == "TAMPERED":
        raise typer.Exit(1)


def print_verdict(verdict: Any) -> None:
    """Print a Verdict for people, with what speaks for it."""
    colour = {"NOT_TAMPERED": "green", "TAMPERED": "red"}.get(verdict.tampering_status)
    typer.secho(f"{verdict.item_id}  {verdict.tampering_status}", fg=colour)
    for one in verdict.findings:
        where = f" (version {one.asset_version})" if one.asset_version else ""
        typer.echo(f"  {one.reason}{where}: {one.detail}")


def _digest(path: str) -> str:
    from scalar_tx.errors import InvalidOperationError

    try:
        with Path(path).open("rb") as file:
            # SHA-1 is what the cloud drive tells of its files.
            return hashlib.file_digest(
                file, lambda: hashlib.sha1(usedforsecurity=False)
            ).hexdigest()
    except OSError as error:
        raise InvalidOperationError(
            f"{path} can't be read: {error.strerror}", advice="Name a file that you may read"
        ) from error
