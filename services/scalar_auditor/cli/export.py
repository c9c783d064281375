"""``scalar-auditor export``: what is the report on an audit set?"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import SetId
from scalar_auditor.cli.whole_file import write_whole

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient


class Format(StrEnum):
    """How the report is written."""

    CSV = "csv"
    JSON = "json"


@calling
def export(
    audit_set: SetId,
    *,
    written_as: Annotated[
        Format, typer.Option("--format", help="json: one object a line.")
    ] = Format.CSV,
    to: Annotated[
        str | None, typer.Option("--to", metavar="FILE", help="Else: standard output.")
    ] = None,
    client: AuditorClient,
) -> None:
    """Write the report on a set: its items, verdicts, events, and who looked.

    A FILE is there when all of it is.
    """
    from scalar_auditor.rpc.v1 import audit_pb2
    from scalar_tx.errors import InvalidOperationError

    wanted = {
        Format.CSV: audit_pb2.REPORT_FORMAT_CSV,
        Format.JSON: audit_pb2.REPORT_FORMAT_JSON,
    }[written_as]
    chunks = client.audit.export_report(audit_set_id=audit_set, report_format=wanted)
    parts = (chunk.data for chunk in chunks)
    if to is None:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    else:
        try:
            write_whole(Path(to), parts)
        except OSError as error:
            raise InvalidOperationError(
                f"{to} can't be written: {error.strerror}", advice="Name a file that you may write"
            ) from error
        print(f"written: {to}")
