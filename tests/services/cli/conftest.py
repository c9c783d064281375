"""Fixtures of the command line of the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_auditor.sample import Sample, Size, load
from tests.services.cli.world import ADMIN, PASSWORD, World

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = Size(items=60, events=130, sets=2, users=10)
SAMPLE = Sample(SIZE, until_ms=1_790_000_000_000)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for the tests of a file, with a sample in it, and the first admin logged in."""
    with World(tmp_path_factory.mktemp("world")) as made:
        made.log_in(ADMIN)
        token = made.service_token("sample")
        with made.client() as admin, made.client_with(token) as service:
            load(SAMPLE, admin, service, password=PASSWORD)
        yield made
