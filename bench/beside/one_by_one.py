"""How is one figure measured after the other, so that a run goes on where one ended?"""

from __future__ import annotations

import argparse
import fnmatch
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from rich.console import Console

from bench.beside import results
from bench.beside.machine import described
from bench.beside.places import default_folder
from bench.beside.turns import Effort

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound=results.Named)


@dataclass(frozen=True)
class Campaign(Generic[F]):
    """Figures by their names, and how one is measured and said in a line."""

    program: str
    words: str
    figures: Mapping[str, F]
    measured: Callable[[F, Effort], dict[str, Any]]
    in_short: Callable[[F, Mapping[str, Any]], str]
    effort: Effort = field(default_factory=Effort)

    def main(self, arguments: Sequence[str]) -> int:
        """Measure; 1 if a figure could not be."""
        usual = self.effort
        parser = argparse.ArgumentParser(prog=self.program, description=self.words)
        parser.add_argument(
            "--only",
            action="append",
            metavar="PATTERN",
            help="names as --list has them, * for any text; several times for several",
        )
        parser.add_argument("--list", action="store_true", help="the names, and which are there")
        parser.add_argument("--again", action="store_true", help="measure what is there once more")
        parser.add_argument("--pairs", type=int, default=usual.pairs)
        parser.add_argument("--seconds", type=float, default=usual.seconds, help="of a turn")
        parser.add_argument(
            "--warm-up", type=float, default=usual.warm_up, help="seconds before each turn"
        )
        parser.add_argument(
            "--isolation", choices=["SERIALIZABLE", "SNAPSHOT"], default=usual.isolation
        )
        parser.add_argument(
            "--into", type=Path, default=results.FOLDER, help="folder of the results"
        )
        parser.add_argument("--files", type=Path, help="folder of SQLite files: where is the disk?")
        wanted = parser.parse_args(arguments)
        if wanted.pairs < 1 or wanted.seconds <= 0:
            parser.error("give at least one pair, and some seconds")
        effort = Effort(
            pairs=wanted.pairs,
            seconds=wanted.seconds,
            warm_up=wanted.warm_up,
            isolation=wanted.isolation,
            folder=wanted.files or default_folder(),
        )
        chosen = self.matching(wanted.only)
        if not chosen:
            parser.error(f"no figure is called {wanted.only}: see --list")
        screen = Console(highlight=False)
        if wanted.list:
            for figure in chosen:
                there = "there" if results.kept(wanted.into, figure, effort) else ""
                screen.print(f"{figure.name:60} {there}", soft_wrap=True)
            return 0
        return self.all_of(chosen, effort, wanted.into, screen, again=wanted.again)

    def matching(self, patterns: Sequence[str] | None) -> list[F]:
        """The figures of these names, in their order."""
        return [
            figure
            for name, figure in self.figures.items()
            if not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        ]

    def all_of(
        self, figures: Sequence[F], effort: Effort, into: Path, screen: Console, *, again: bool
    ) -> int:
        """Measure what is not there yet; a figure that fails does not keep the others back."""
        failed = []
        for number, figure in enumerate(figures, 1):
            head = f"[{number}/{len(figures)}] {figure.name}"
            if not again and results.kept(into, figure, effort):
                screen.print(f"{head}: is there", markup=False, style="dim")
                continue
            begun = time.monotonic()
            machine = described()
            try:
                result = self.measured(figure, effort)
            except Exception as error:  # noqa: BLE001  # the next figure may do better
                failed.append(figure.name)
                screen.print(f"{head}: {type(error).__name__}: {error}", markup=False, style="red")
                continue
            results.keep(into, figure, effort, machine, result)
            took = time.monotonic() - begun
            screen.print(f"{head}: {self.in_short(figure, result)} ({took:.0f} s)", markup=False)
        if failed:
            screen.print(f"{len(failed)} could not be measured: {', '.join(failed)}", markup=False)
        return 1 if failed else 0
