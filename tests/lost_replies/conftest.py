"""The place of each kind of server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lost_replies.impatience import KINDS
from tests.lost_replies.places import prepared_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lost_replies.places import Place


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=pytest.mark.servers(kind)) for kind in KINDS],
)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Tables on a server."""
    with prepared_place(request.getfixturevalue(f"{request.param}_server")) as found:
        yield found
