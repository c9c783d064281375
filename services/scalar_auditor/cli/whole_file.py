"""How is a file written so that it is there whole, or as it was before?"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def write_whole(path: Path, parts: Iterable[bytes], *, kept: os.stat_result | None = None) -> None:
    """Write a file that only its owner may read, in one step. OSError: it was not written.

    ``kept``: whose it is and who may read it, instead. What ``parts`` raises leaves the file as it
    was, too.
    """
    handle, written = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            if kept is not None:
                os.fchown(handle, kept.st_uid, kept.st_gid)
                os.fchmod(handle, stat.S_IMODE(kept.st_mode))
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        Path(written).replace(path)
    except BaseException:
        Path(written).unlink(missing_ok=True)
        raise
