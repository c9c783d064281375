"""Where is the checkout, and which text files are in it?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ("_pb2.py", "_pb2.pyi")  # the protocol compiler's style is its own
BUILT = {"build", "dist", "target", "node_modules", "__pycache__"}


def text_files() -> Iterator[tuple[str, str]]:
    """Every file that is UTF-8 text, as its path from the root with slashes, and its content.

    Works without git: an unpacked archive has no history. What tools made is left out, and so are
    hidden folders but .ci.
    """
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if name not in BUILT and (not name.startswith(".") or name == ".ci")
        )
        for name in sorted(names):
            path = Path(folder, name)
            try:
                text = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue  # a database left by trying something out, for one
            yield path.relative_to(ROOT).as_posix(), text
