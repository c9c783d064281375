"""Where do the lines of the security log go that a command writes beside the nodes?"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from scalar_tx.cluster.auth.security_log import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def on_standard_error() -> Iterator[None]:
    """Let them go to standard error, for whoever keeps the log of the node."""
    log = logging.getLogger(NAME)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
