"""What is shown of a seed: a script of what its failure needs, what is wrong, and how to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from tests.simulation.as_script import DivergedError, written
from tests.simulation.parts.shrink import shrink
from tests.simulation.planted import plant
from tests.simulation.schedule import quiet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulation.parts.report import Report
    from tests.simulation.schedule import Schedules


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
        report, needed = _shrunk(seed, schedules)
    script = ""
    if report.wrong and not trace:
        script = _script(seed, schedules, report, whole=whole)
        print(script)
    if not script:
        print("\n".join(report.lines))
    print(f"\nseed {seed}, {report.kind}: {report.about}")
    print("\n".join(["transactions:", *(f"  {line}" for line in report.history)]))
    if not report.wrong:
        print("nothing is wrong")
        return 0
    print("\n".join(["WRONG:", *(f"  {line}" for line in report.wrong)]))
    if needed:
        print(needed)
    if save is not None and script:
        save.write_text(script, encoding="utf-8")
        print(f"the script is in {save}")
    print(f"to see this again: python -m tests.simulation --replay {seed} {schedules}".rstrip())
    return 1


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


def _shrunk(seed: int, schedules: Schedules) -> tuple[Report, str]:
    console = Console(stderr=True)
    with console.status("") as status:

        def show(runs: int, left: int) -> None:
            status.update(f"leaving out what is not needed: {runs} runs, {left} numbers left")

        found = shrink(schedules, seed, progress=show)
    words = (
        f"what is shown was left of it after {found.runs} runs: {found.numbers} of "
        f"{found.numbers_before} numbers; add --whole to see all of it, --trace for every step"
    )
    return found.report, words
