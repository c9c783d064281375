"""Where does the tour keep its database?"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Place:
    """A fresh folder. ``keep``: it stays when the tour is over."""

    folder: Path
    keep: bool

    @property
    def target(self) -> str:
        """The database's URL."""
        return f"sqlite:///{self.folder / 'demo.db'}"


@contextmanager
def place(*, keep: bool) -> Iterator[Place]:
    """A folder in this directory if it is to be kept, else one for temporary files."""
    parent = Path.cwd() if keep else None
    found = Place(Path(tempfile.mkdtemp(prefix="scalar-tx-demo-", dir=parent)), keep)
    try:
        yield found
    finally:
        if not found.keep:
            shutil.rmtree(found.folder, ignore_errors=True)
