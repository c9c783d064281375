"""Fixtures of the tests of who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.security.people import People

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    """A worker whose tests leave its users as they found them, and its tables about so."""
    made = People()
    yield made
    made.close()
