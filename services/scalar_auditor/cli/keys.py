"""``scalar-auditor keys``: with which secrets do the services sign?

Never printed, and never overwritten: who loses them can't prove any more what was signed.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scalar_auditor.cli.whole_file import write_whole
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.keys import KeyRing

app = typer.Typer(
    help="The keys that sign histories, tokens of pages and one-time codes.", no_args_is_help=True
)

File: TypeAlias = Annotated[
    str, typer.Argument(metavar="FILE", help="The file of the keys.", show_default=False)
]
KeyId: TypeAlias = Annotated[
    str | None,
    typer.Option("--id", metavar="ID", help="The new key's id. Else: today, as 2026-11-23."),
]


@app.command(name="new")
def new(file: File, *, key_id: KeyId = None, json: Json = False) -> None:
    """Make a file with one key, which only you may read. One that is there is left alone."""
    from scalar_auditor.cli.output import say
    from scalar_auditor.keys import KeyRing

    ring = KeyRing.made(key_id or _today())
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        _fill(file, handle, ring)
    except OSError as error:
        raise _not_written(file, error) from error
    say("made", {"file": file, "current": ring.current}, json=json)


@app.command(name="rotate")
def rotate(file: File, *, key_id: KeyId = None, json: Json = False) -> None:
    """Add a key, which signs from now on; the former ones go on checking what they signed.

    Give the file to all nodes, then start them anew, one after the other: what a new key signed is
    unknown to a node that has not got it yet.
    """
    from scalar_auditor.cli.output import say
    from scalar_auditor.keys import KeyRing
    from scalar_tx.errors import InvalidOperationError

    ring = KeyRing.read(Path(file))
    wanted = key_id or _today()
    try:
        ring = ring.with_new(wanted)
    except ValueError as error:
        raise InvalidOperationError(
            f"there is a key {wanted!r} already; nothing was changed",
            advice="Name another one with --id",
        ) from error
    _replace(file, ring)
    say("rotated", {"file": file, "current": ring.current}, json=json)


@app.command(name="show-ids")
def show_ids(file: File, *, json: Json = False) -> None:
    """Print the ids of the keys, never the keys."""
    from scalar_auditor.keys import KeyRing
    from scalar_tx.cli.output import print_json

    ring = KeyRing.read(Path(file))
    if json:
        print_json({"current": ring.current, "ids": ring.ids})
        return
    for one in ring.ids:
        print(f"{one} (current)" if one == ring.current else one)


def _fill(file: str, handle: int, ring: KeyRing) -> None:
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as made:
            made.write(ring.as_text())
            made.flush()
            os.fsync(handle)
    except BaseException:
        Path(file).unlink()  # half a file would only be in the way of the next try
        raise


def _replace(file: str, ring: KeyRing) -> None:
    # A node may be another user, and have no right to read but by a group: that stays.
    path = Path(file).resolve()
    try:
        write_whole(path, [ring.as_text().encode()], kept=path.stat())
    except OSError as error:
        raise _not_written(file, error) from error


def _not_written(file: str, error: OSError) -> Exception:
    from scalar_tx.errors import InvalidOperationError

    if isinstance(error, FileExistsError):
        return InvalidOperationError(
            f"{file} is there already; nothing was changed",
            advice="Name another file, or add a key: scalar-auditor keys rotate FILE",
        )
    return InvalidOperationError(
        f"{file} can't be written: {error.strerror}", advice="Name a file that you may write"
    )


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()
