"""How do the checkout's own schema files get into the tour's database?"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import scalar_tx


def schema_files() -> list[Path]:
    """The schema files of the checkout this library runs from; none when it was installed."""
    folder = Path(scalar_tx.__file__).resolve().parents[1] / "namespaces"
    return sorted(folder.glob("*.json"))


def load(files: list[Path], target: str) -> None:
    """Make their tables, by the schema loader."""
    from typer.main import get_command

    from scalar_schema.cli import app

    arguments = ["apply", *map(str, files), "--config", target]
    with contextlib.redirect_stdout(io.StringIO()):
        get_command(app).main(args=arguments, prog_name="scalar-tx schema", standalone_mode=False)
