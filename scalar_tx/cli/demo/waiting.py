"""How does the tour pass time, and show why?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

_BEAT_S: Final = 0.1


def _never() -> bool:
    return False


def _nothing() -> str:
    return ""


def wait(
    screen: Console,
    reason: str,
    seconds: float,
    *,
    until: Callable[[], bool] = _never,
    shown_seconds: float | None = None,
    note: Callable[[], str] = _nothing,
) -> None:
    """Wait, at most ``seconds``, and show a bar with the reason where there is a terminal.

    ``until`` is asked ten times a second whether that is enough; ``note`` is shown beside the bar,
    which is full after ``shown_seconds``.
    """
    begun = time.monotonic()
    bar = Progress(
        TextColumn("  {task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
        console=screen,
        transient=True,
        disable=not screen.is_terminal or screen.quiet,
    )
    with bar:
        task = bar.add_task(reason, total=shown_seconds or seconds, note=note())
        while (passed := time.monotonic() - begun) < seconds and not until():
            bar.update(task, completed=passed, note=note())
            time.sleep(min(_BEAT_S, max(0.0, seconds - passed)))
