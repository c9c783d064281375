"""Tests written as ``async def``, on both storages that need no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.auth.world import Clock
from tests.faces import either

if TYPE_CHECKING:
    from pathlib import Path


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    return either.run_coroutine_test(pyfuncitem)


@pytest.fixture(params=either.TARGETS)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return either.url(request.param, tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()
