"""Fixtures of the console's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.console.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A console whose users log in; each test has browsers of its own."""
    made = Site()
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_site() -> Iterator[Site]:
    """A console of a node that asks nobody to log in."""
    made = Site(users=False)
    yield made
    made.close()
