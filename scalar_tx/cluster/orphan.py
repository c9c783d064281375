"""How does a process end whose supervisor is gone, even if its event loop hangs?

The channel's end tells it, and it rolls back and leaves. Should it not manage that, this thread
ends the process.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

_log = logging.getLogger("scalar_tx.cluster.orphan")

EXIT_CODE = 3


def leave_when_orphaned(end: socket.socket, patience: float) -> None:
    """Watch one end of a channel; so many seconds after the other one closed, end the process."""
    watched = os.dup(end.fileno())

    def watch() -> None:
        poll = select.poll()
        poll.register(watched, select.POLLHUP | select.POLLRDHUP)
        poll.poll()
        time.sleep(patience)
        _log.error("the supervisor is gone and this process hangs: it ends at once")
        os._exit(EXIT_CODE)

    threading.Thread(target=watch, name="scalar_tx orphan", daemon=True).start()
