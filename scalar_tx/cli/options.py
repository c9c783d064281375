"""Which options do several commands share?"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Config: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="TARGET",
        help="A properties file or a URL such as sqlite:///shop.db. Without it: "
        "./scalardb.properties if there is one, else sqlite:///scalar_tx.db.",
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TableName: TypeAlias = Annotated[
    str, typer.Argument(metavar="TABLE", help="namespace.table", show_default=False)
]
Key: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help='The whole primary key: id=1 or id=1,kind=2 or {"id": 1, "kind": 2}.',
        show_default=False,
    ),
]
TransactionId: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="A transaction's id.", show_default=False)
]
