"""Which id does a client choose for what it makes, so that it may send the same call again?"""

from __future__ import annotations

import uuid


def new_id() -> str:
    """An id that nobody else has: 32 hexadecimal digits."""
    return uuid.uuid4().hex
