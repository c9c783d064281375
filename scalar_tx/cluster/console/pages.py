"""Which files does a browser get? Those in ``page``, one of them for each panel.

A panel's file is called like ``25-name.js``: the number is its place on the page, the name what its
section is called there. The page learns of them from ``panels.js``, which is written here.
"""

from __future__ import annotations

import importlib.resources
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_KINDS: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_PANEL: Final = re.compile(r"(\d+)-([a-z][a-z0-9-]*)\.js")
_FIRST: Final = "page.html"
_FOLDER: Final[Traversable] = importlib.resources.files(__package__).joinpath("page")


@dataclass(frozen=True, slots=True)
class Page:
    """What is sent, and its type."""

    text: str
    kind: str


def all_pages(folder: Traversable | None = None) -> dict[str, Page]:
    """By path below ``/console``. ValueError: a panel's file has no name of one."""
    folder = folder or _FOLDER
    pages = {
        "" if one.name == _FIRST else f"/{one.name}": _page(one)
        for one in folder.iterdir()
        if one.is_file() and _kind(one.name)
    }
    files = panel_files(folder.joinpath("panels"))
    for one in files:
        pages[f"/panels/{one.name}"] = _page(one)
    names = json.dumps([one.name for one in files])
    return {**pages, "/panels.js": Page(f"export default {names};\n", _KINDS["js"])}


def panel_files(folder: Traversable) -> list[Traversable]:
    """The panels in the order of their numbers. ValueError: a name is none, or is there twice."""
    found: dict[str, tuple[int, Traversable]] = {}
    for one in folder.iterdir():
        if not one.name.endswith(".js"):
            continue  # what an editor leaves
        parts = _PANEL.fullmatch(one.name)
        if parts is None:
            raise ValueError(f"{one}: name a panel by its place and what it shows, as 25-name.js")
        place, name = int(parts[1]), parts[2]
        if name in found:
            raise ValueError(f"{one}: there is a panel {name} already, {found[name][1].name}")
        found[name] = (place, one)
    return [one for _, one in sorted(found.values(), key=lambda each: (each[0], each[1].name))]


def _kind(name: str) -> str | None:
    return _KINDS.get(name.rpartition(".")[2])


def _page(file: Traversable) -> Page:
    return Page(file.read_text("utf-8"), _kind(file.name) or "")
