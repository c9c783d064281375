"""What do the tests of identity share? One world a test, over memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.identity.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[World]:
    with World() as found:
        yield found
