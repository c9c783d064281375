"""Which options and arguments do several commands share?"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

Limit: TypeAlias = Annotated[
    int, typer.Option("--limit", metavar="N", min=0, help="At most so many; 0 is all.")
]
SetId: TypeAlias = Annotated[
    str, typer.Argument(metavar="SET", help="An audit set's id.", show_default=False)
]
ItemId: TypeAlias = Annotated[
    str, typer.Argument(metavar="ITEM", help="An item's id.", show_default=False)
]
InSet: TypeAlias = Annotated[
    str,
    typer.Option(
        "--set", metavar="SET", help="Look at it as a part of that audit set.", show_default=False
    ),
]
Email: TypeAlias = Annotated[
    str, typer.Argument(metavar="EMAIL", help="A person's e-mail address.", show_default=False)
]
KeysFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--keys",
        metavar="FILE",
        help="The services' keys. Else: SCALAR_AUDITOR_KEYS_FILE, or scalar_auditor_keys.json.",
    ),
]
