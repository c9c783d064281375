"""Where do results lie? A JSON file a figure, outside of git; a run goes on where one ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

from bench.beside.figures import Contest
from bench.beside.modes import MODES
from bench.import_time import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.beside.turns import Effort

FOLDER: Final = ROOT / "build" / "figures"
FORMAT: Final = 1


class Named(Protocol):
    """What can be measured; its name says all that is."""

    @property
    def name(self) -> str:
        """Its name, and that of its file."""
        ...


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def _question(figure: Named, effort: Effort) -> dict[str, Any]:
    """What was measured: a result for another question is none for this one."""
    asked: dict[str, Any] = {
        "format": FORMAT,
        "figure": figure.name,  # what it must be may change
        "effort": effort.stored(),
    }
    if isinstance(figure, Contest):
        mode = MODES[figure.mode]
        asked["settings"] = {"java": dict(mode.java), "ours": dict(mode.ours)}
    return asked


def kept(folder: Path, figure: Named, effort: Effort) -> bool:
    """Is there a result for this figure, measured with this effort?"""
    stored = read(folder, figure.name)
    wanted = _question(figure, effort)
    return stored is not None and all(stored.get(name) == wanted[name] for name in wanted)


def read(folder: Path, name: str) -> dict[str, Any] | None:
    """A result, or None."""
    path = _path(folder, name)
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found.get("format") == FORMAT else None


def keep(
    folder: Path,
    figure: Named,
    effort: Effort,
    machine: Mapping[str, Any],
    result: Mapping[str, Any],
) -> Path:
    """Write a result whole, or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {**_question(figure, effort), "machine": dict(machine), **result}
    path = _path(folder, figure.name)
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
    return path
