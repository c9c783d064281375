"""When does a client whose line was cut serve again?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import ScalarTxError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.proxy import Proxy

SECONDS = 60.0
PAUSE = 0.1


def ready(proxy: Proxy, probe: Callable[[], Any]) -> float:
    """Return after how many seconds a call went through; TimeoutError if none did."""
    proxy.forget_faults()
    began = time.monotonic()
    while True:
        try:
            probe()
        except (ScalarTxError, StorageError) as error:
            if time.monotonic() - began > SECONDS:
                raise TimeoutError(f"not served for {SECONDS} s after a mishap") from error
            time.sleep(PAUSE)
        else:
            return time.monotonic() - began
