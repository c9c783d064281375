"""What does the command print? A table on a terminal, lines in a pipe, or JSON.

What was asked for goes to standard output; warnings, errors and progress to standard error.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from scalar_schema.apply import Outcome
from scalar_schema.plan import Action, Mode, Plan, Step
from scalar_tx.errors import ScalarTxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

AGAIN: Final = "Correct that, then run the same command again: what was done is not done twice."

_STYLES: Final[Mapping[str, str]] = {
    "done": "green",
    "planned": "cyan",
    "failed": "bold red",
    "not begun": "yellow",
    "skipped": "dim",
}
_PAST: Final[Mapping[Action, str]] = {
    Action.CREATE: "created",
    Action.ALTER: "altered",
    Action.REPAIR: "repaired",
    Action.DELETE: "deleted",
    Action.IMPORT: "imported",
    Action.UPGRADE: "upgraded",
}


class Report:
    """Prints one run."""

    def __init__(self, mode: Mode, *, dry_run: bool, as_json: bool) -> None:
        self._mode = mode
        self._dry_run = dry_run
        self._as_json = as_json
        self._out = Console(highlight=False)
        self._err = Console(stderr=True, highlight=False)

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[Step], object]]:
        """Show on a terminal how far the run is; hands out what is called after each step."""
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=self._err,
            transient=True,
            disable=self._as_json or not self._err.is_terminal,
        )
        with bar:
            task = bar.add_task(self._mode.value, total=total)
            yield lambda step: bar.update(task, advance=1, description=step.name)

    def planned(self, plan: Plan) -> None:
        """Print what would be done."""
        status = dict.fromkeys(plan.pending, "planned")
        if self._as_json:
            self._print_json(plan, status, None)
            return
        self._warn(plan)
        self._steps(plan, status)
        if plan.pending:
            self._line(f"{_counted(plan.pending)} to be done. Nothing was changed.")
        else:
            self._line(str(plan))

    def ended(self, outcome: Outcome) -> None:
        """Print what was done and, after a failure, what was not."""
        plan = outcome.plan
        status = dict.fromkeys(outcome.done, "done") | dict.fromkeys(outcome.left, "not begun")
        if outcome.failed is not None:
            status[outcome.failed] = "failed"
        if self._as_json:
            self._print_json(plan, status, outcome.error)
        else:
            self._warn(plan)
            self._steps(plan, status)
            if outcome.ok:
                self._line(_summary(outcome) if plan.pending else str(plan))
        if outcome.error is not None:
            self._error(outcome.error)
            self._err.print(
                f"{len(outcome.done)} steps were done, {len(outcome.left) + 1} were not. {AGAIN}",
                markup=False,
                soft_wrap=True,
            )

    def refused(self, error: Exception) -> None:
        """Print why nothing was done."""
        if self._as_json:
            self._print_json(Plan(self._mode, ()), {}, error)
        self._error(error)
        self._err.print("Nothing was changed.")

    def _line(self, text: str) -> None:
        self._out.print(text, markup=False, soft_wrap=True)

    def _error(self, error: Exception) -> None:
        shown = Text("error: ", style="bold red") + Text(_words(error), style="default")
        self._err.print(shown, soft_wrap=True)

    def _warn(self, plan: Plan) -> None:
        for warning in plan.warnings:
            shown = Text("warning: ", style="bold yellow") + Text(warning, style="default")
            self._err.print(shown, soft_wrap=True)

    def _steps(self, plan: Plan, status: Mapping[Step, str]) -> None:
        if not self._out.is_terminal:
            for step in plan.steps:
                self._line(f"{status.get(step, 'skipped')}: {step}")
            return
        table = Table("", "", "", "", box=None, show_header=False, pad_edge=False)
        for step in plan.steps:
            state = status.get(step, "skipped")
            table.add_row(
                Text(state, style=_STYLES[state]),
                f"{step.action.value} {step.subject.value}",
                Text(step.name, style="bold"),
                Text("; ".join(step.details), style="dim"),
            )
        self._out.print(table)

    def _print_json(self, plan: Plan, status: Mapping[Step, str], error: Exception | None) -> None:
        shown = {
            "mode": self._mode.value,
            "dry_run": self._dry_run,
            "ok": error is None,
            "steps": [
                {
                    "action": step.action.value,
                    "subject": step.subject.value,
                    "name": step.name,
                    "details": list(step.details),
                    "status": status.get(step, "skipped"),
                }
                for step in plan.steps
            ],
            "warnings": list(plan.warnings),
            "error": None if error is None else _as_json(error),
        }
        self._out.out(json.dumps(shown, indent=2), highlight=False)


def _summary(outcome: Outcome) -> str:
    return ", ".join(
        f"{_counted(tuple(step for step in outcome.done if step.action is action))} {past}"
        for action, past in _PAST.items()
        if any(step.action is action for step in outcome.done)
    )


def _counted(steps: tuple[Step, ...]) -> str:
    parts = []
    for subject in dict.fromkeys(step.subject for step in steps):
        count = sum(step.subject is subject for step in steps)
        noun = f"{subject.value} table" if subject.value == "coordinator" else subject.value
        parts.append(f"{count} {noun}{'' if count == 1 else 's'}")
    return ", ".join(parts)


def _words(error: Exception) -> str:
    if isinstance(error, ScalarTxError):
        return str(error)
    return f"{error}. The database did not answer as it should; look at its state and its log"


def _as_json(error: Exception) -> dict[str, str | None]:
    if isinstance(error, ScalarTxError):
        return {"code": error.code, "message": error.message, "advice": error.advice}
    return {"code": None, "message": str(error), "advice": AGAIN}
