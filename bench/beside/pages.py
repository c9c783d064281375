"""How do results become a page, and plots beside it?"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.beside import results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Found = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Page:
    """What a command writes. ``drawn`` makes plots in a folder: title -> file beside the page."""

    program: str
    words: str
    measured_by: str
    figures: Iterable[results.Named]
    path: Path
    text: Callable[[Found, Mapping[str, str]], str]
    drawn: Callable[[Found, Path], dict[str, str]]

    def main(self, arguments: Sequence[str]) -> int:
        """Write the page and its plots."""
        parser = argparse.ArgumentParser(prog=self.program, description=self.words)
        parser.add_argument("--from", dest="source", type=Path, default=results.FOLDER)
        parser.add_argument("--page", type=Path, default=self.path)
        wanted = parser.parse_args(arguments)
        found = {
            figure.name: result
            for figure in self.figures
            if (result := results.read(wanted.source, figure.name)) is not None
        }
        if not found:
            parser.error(f"nothing was measured yet in {wanted.source}: run {self.measured_by}")
        plots = self.drawn(found, wanted.page.with_suffix(""))
        wanted.page.write_text(self.text(found, plots), encoding="utf-8")
        print(f"{wanted.page}, from {len(found)} figures")
        return 0


def images(plots: Mapping[str, str]) -> str:
    """Where plots stand on the page."""
    return "\n\n".join(f"![{title}]({file})" for title, file in plots.items())
