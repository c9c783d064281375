"""How does long work show that it goes on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cli.output import console

if TYPE_CHECKING:
    from rich.progress import Progress


def progress() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    screen = console(errors=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    )
