"""What is shown of a seed: a script of what its failure needs, what is wrong, and how to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.simulation.as_script import DivergedError, written
from tests.simulation.parts.command import shrunk, tell
from tests.simulation.planted import plant
from tests.simulation.schedule import quiet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulation.parts.report import Report
    from tests.simulation.schedule import Schedules

PROGRAM: Final = "tests.simulation"


def replay(
    seed: int,
    schedules: Schedules,
    *,
    whole: bool = False,
    trace: bool = False,
    save: Path | None = None,
) -> int:
    """Run one seed again and print it; 1 if something is wrong.

    Of a seed that fails, what its failure needs is shown as a script of the scenarios, which
    ``save`` keeps in a file. ``whole`` leaves nothing out; ``trace`` shows every step instead, and
    so is shown what can't be told as a script, or has nothing wrong.
    """
    report = schedules.seed(seed, trace=True)
    needed = ""
    if report.wrong and not whole:
        report, needed = shrunk(seed, schedules)
        needed += ", --trace for every step"
    script = ""
    if report.wrong and not trace:
        script = _script(seed, schedules, report, whole=whole)
        print(script)
    if not script:
        print("\n".join(report.lines))
    if save is not None and script:
        save.write_text(script, encoding="utf-8")
        needed += f"\nthe script is in {save}"
    return tell(seed, report, schedules, PROGRAM, needed)


def _script(seed: int, schedules: Schedules, report: Report, *, whole: bool) -> str:
    if report.log is None:
        return ""
    try:
        with plant(schedules.bug), quiet():
            title = f"{report.kind}, seed {seed}"
            return written(report.log, title, report.wrong, whole=whole).text
    except DivergedError as error:
        print(f"this can't be told as a script, so here is every step: {error}")
        return ""
