"""Both faces on both storages, for tests written as ``async def`` (see either.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.faces import either

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    return either.run_coroutine_test(pyfuncitem)


@pytest.fixture(params=either.FACES, ids=lambda face: face.name)
def face(request: pytest.FixtureRequest) -> either.Face:
    found: either.Face = request.param
    return found


@pytest.fixture(params=either.AND_A_NODE)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield either.url(request.param, tmp_path)
    either.close_nodes()


@pytest.fixture
def db(face: either.Face, target: str) -> Iterator[Any]:
    manager = face.open(target)
    yield manager
    either.close(manager)
