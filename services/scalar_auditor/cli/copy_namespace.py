"""``scalar-auditor copy-namespace``: how does a namespace get to another storage?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from scalar_tx.cli.options import Json


def copy_namespace(
    namespace: Annotated[
        str, typer.Argument(metavar="NAMESPACE", help="Such as event.", show_default=False)
    ],
    *,
    source: Annotated[
        str, typer.Option("--from", metavar="TARGET", help="What nodes ran with until now.")
    ],
    target: Annotated[
        str, typer.Option("--to", metavar="TARGET", help="What they are to run with.")
    ],
    json: Json = False,
) -> None:
    """Copy all rows of a namespace from one storage to another, as they are stored.

    Pause the nodes before, or end them, and settle what is left: scalar-tx recover --all. Its
    tables have to be there. May be run again; what is there already is compared.
    """
    from scalar_auditor.moving import copy_namespace as copied
    from scalar_tx.cli.output import print_json
    from scalar_tx.cli.progress import progress

    with progress() as bar:
        tasks: dict[str, Any] = {}

        def told(table: str, count: int) -> None:
            if table not in tasks:
                tasks[table] = bar.add_task(table, total=None)
            bar.update(tasks[table], completed=count)

        counts = copied(namespace, source, target, told)
    if json:
        print_json(counts)
        return
    for table, count in counts.items():
        print(f"{table}: {count:,} rows")
