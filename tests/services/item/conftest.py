"""On which stage do the tests of a file play?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.event.scene import NOW
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stage() -> Iterator[Stage]:
    """One for each test, whose clock stands still."""
    with Stage(names=("event", "item", "verification"), now_ms=lambda: NOW) as one:
        yield one
