"""``scalar-tx check``: does a recorded history keep what its isolation level promises?"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalar_tx.cli.options import Json

if TYPE_CHECKING:
    from scalar_tx.histories import Level, Verdict
    from scalar_tx.histories.elle_json import History

ANOMALIES = 1


def check(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Histories in Elle's JSON.", show_default=False),
    ],
    level: Annotated[
        str | None,
        typer.Option(
            help="What all transactions are asked for: READ_COMMITTED, SNAPSHOT, SERIALIZABLE, or "
            "a model as snapshot-isolation. Without: each the level in the file, else "
            "SERIALIZABLE.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="list-append or rw-register. Without: as found.", show_default=False),
    ] = None,
    writes_follow_reads: Annotated[
        bool,
        typer.Option(
            help="Of registers: what a transaction writes replaces what it read before.",
        ),
    ] = True,
    json: Json = False,
) -> None:
    """Check histories for what their isolation level forbids: exit code 1 if there is any.

    A history without a committed transaction, a read with a value or a dependency is valid and
    proves nothing, which is said.
    """
    from scalar_tx.cli.output import print_json

    judged = _level(level)
    reports = [_judge(file, judged, model, wfr=writes_follow_reads) for file in files]
    if json:
        print_json([report.as_data() for report in reports])
    else:
        for report in reports:
            report.print()
    if not all(report.verdict.valid for report in reports):
        raise typer.Exit(ANOMALIES)


class _Report:
    """What is said about one file."""

    def __init__(self, file: Path, history: History, model: str, verdict: Verdict) -> None:
        self.file = file
        self.history = history
        self.model = model
        self.verdict = verdict

    def as_data(self) -> dict[str, Any]:
        """The report for programs."""
        verdict = self.verdict
        return {
            "file": str(self.file),
            "model": self.model,
            "level": verdict.level,
            "valid": verdict.valid,
            "proves_nothing": verdict.proves_nothing if verdict.valid else None,
            "transactions": verdict.transactions,
            "committed": verdict.committed,
            "reads_with_value": verdict.reads_with_value,
            "dependencies": verdict.dependencies,
            "notes": self.history.notes,
            "anomalies": [
                {"name": one.name, "transactions": list(one.transactions), "text": one.text}
                for one in verdict.anomalies
            ],
            "left_out": verdict.left_out,
        }

    def print(self) -> None:
        """The report for people."""
        from rich.text import Text

        from scalar_tx.cli.output import console

        screen = console()

        def say(text: str, style: str = "") -> None:
            screen.print(Text(text, style=style), soft_wrap=True)

        verdict = self.verdict
        say(
            f"{self.file}: {self.model}, {verdict.transactions:,} transactions, "
            f"{verdict.committed:,} committed, {verdict.dependencies:,} dependencies"
        )
        for note in self.history.notes:
            say(f"  note: {note}", "yellow")
        for anomaly in verdict.anomalies:
            say(str(anomaly), "red")
        if verdict.left_out:
            say(f"and {verdict.left_out:,} more of the same names")
        if not verdict.valid:
            say(f"Not {verdict.level}: {', '.join(verdict.names)}", "bold red")
        elif verdict.proves_nothing:
            say(f"Nothing that {verdict.level} forbids, which proves nothing:", "yellow")
            say(f"  {verdict.proves_nothing}", "yellow")
        else:
            say(f"Nothing that {verdict.level} forbids.", "green")


def _level(wanted: str | None) -> Level | None:
    from scalar_tx.histories import LEVELS, level_of

    if wanted is None:
        return None
    text = wanted.strip()
    # The library's own levels are forgiving about underscores; capitals tell them from others.
    return level_of(text if text in LEVELS else text.replace("-", "_") if text.isupper() else text)


def _judge(file: Path, level: Level | None, model: str | None, *, wfr: bool) -> _Report:
    from scalar_tx.cli.progress import progress
    from scalar_tx.histories import check_lists, check_registers, level_of, read_history
    from scalar_tx.histories.elle_json import LIST_APPEND, MODELS, RW_REGISTER

    if model is not None and model not in MODELS:
        raise _wrong(f"there is no model {model!r}", f"Use one of {', '.join(MODELS)}")
    text = _text(file)
    collecting = gc.isenabled()
    gc.disable()  # a million small objects are made, and none of them is garbage
    try:
        with progress() as bar:
            task = bar.add_task(f"reading {file}", total=text.count("\n"))
            history = read_history(text, str(file), lambda lines: bar.update(task, completed=lines))
            found = history.model or model or LIST_APPEND
            if model is not None and found != model:
                raise _wrong(f"{file} holds operations of {found}", f"Leave --model {model} out")
            bar.update(task, description=f"checking {file}", total=None)
            if level is not None:
                for one in history.transactions:
                    one.level = None
            judged = level or level_of("SERIALIZABLE")
            verdict = (
                check_registers(history.transactions, judged, wfr=wfr)
                if found == RW_REGISTER
                else check_lists(history.transactions, judged)
            )
    finally:
        if collecting:
            gc.enable()
    return _Report(file, history, found, verdict)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise _wrong(f"{file} can't be read: {error.strerror}", "Name a file") from error
    except UnicodeDecodeError as error:
        raise _wrong(
            f"{file} is no UTF-8 text at byte {error.start}", "Name a history in JSON"
        ) from error


def _wrong(message: str, advice: str) -> Exception:
    from scalar_tx.errors import InvalidOperationError

    return InvalidOperationError(message, advice=advice, code="STX-3082")
