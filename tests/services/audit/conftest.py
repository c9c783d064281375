"""On which stage do the tests of a file play?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.audit.world import World
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(names=("audit",)) as one:
        yield one


@pytest.fixture(scope="module")
def world(stage: Stage) -> World:
    return World(stage)
