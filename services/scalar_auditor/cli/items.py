"""``scalar-auditor items``: what is known of a file or folder?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from scalar_auditor.cli import output
from scalar_auditor.cli.calling import calling
from scalar_auditor.cli.options import InSet, ItemId, Limit
from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_auditor.client import AuditorClient

Sha1: TypeAlias = Annotated[
    str, typer.Argument(metavar="SHA1", help="40 hexadecimal digits.", show_default=False)
]

app = typer.Typer(
    help="Files and folders: what they are, what happened to them.", no_args_is_help=True
)


@app.command(name="show")
@calling
def show(item: ItemId, *, audit_set: InSet = "", client: AuditorClient, json: Json = False) -> None:
    """Print an item, with the last verdict on it."""
    found = client.item.get_item(item_id=item, audit_set_id=audit_set)
    if json:
        output.show(found, json=True)
        return
    output.show(found.item, json=False)
    print(f"{found.tampering_status}, last verified: {output.moment(found.last_verified_at)}")


@app.command(name="children")
@calling
def children(
    item: ItemId,
    *,
    audit_set: InSet = "",
    limit: Limit = 100,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Print what lies in a folder."""
    output.show_all(
        client.item.list_children(item_id=item, audit_set_id=audit_set),
        ("item_id", "item_type", "name", "deleted"),
        json=json,
        limit=limit,
        empty="There is nothing in it.",
    )


@app.command(name="path")
@calling
def path(item: ItemId, *, audit_set: InSet = "", client: AuditorClient, json: Json = False) -> None:
    """Print the folders above an item, from the root down to itself."""
    found = client.item.get_path(item_id=item, audit_set_id=audit_set)
    output.show_all(found.items, ("item_id", "item_type", "name"), json=json, limit=0, empty="")


@app.command(name="events")
@calling
def events(
    item: ItemId,
    *,
    audit_set: InSet = "",
    limit: Limit = 100,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Print what happened to an item, newest first."""
    output.show_all(
        client.event.list_item_events(item_id=item, audit_set_id=audit_set),
        ("created_at", "event_type", "user_email", "event_id"),
        json=json,
        limit=limit,
        empty="Nothing is known to have happened to it.",
    )


@app.command(name="history")
@calling
def history(
    item: ItemId,
    *,
    audit_set: InSet = "",
    limit: Limit = 100,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Print the registered versions of an item, newest first."""
    output.show_all(
        client.verification.list_history(item_id=item, audit_set_id=audit_set),
        ("asset_version", "sha1_hash", "version_id", "recorded_by", "recorded_at"),
        json=json,
        limit=limit,
        empty="No version of it was registered.",
    )


@app.command(name="register")
@calling
def register(
    item: ItemId,
    sha1: Sha1,
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="The version's id.", show_default=False)
    ],
    *,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Register the digest of a version of a file, which it is compared with from then on.

    Needs a service's token, in SCALAR_AUDITOR_TOKEN.
    """
    status = client.verification.register_item(item_id=item, sha1_hash=sha1, version_id=version)
    output.show(status, json=json)


@app.command(name="copies")
@calling
def copies(
    sha1: Sha1,
    *,
    audit_set: InSet = "",
    limit: Limit = 100,
    client: AuditorClient,
    json: Json = False,
) -> None:
    """Print the items with a digest."""
    output.show_all(
        client.verification.find_copies(sha1_hash=sha1, audit_set_id=audit_set),
        ("item_id", "item_name", "version_id", "created_at"),
        json=json,
        limit=limit,
        empty="There is none that you may see.",
    )
