"""Both faces, on databases of their own and through a node, in a program that traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from tests.faces import either
from tests.faces.conftest import db, face, pytest_pyfunc_call
from tests.observe.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["db", "face", "provider", "pytest_pyfunc_call", "seen", "target"]


# SQLite's calls run in threads on the asyncio face, a node's are awaited.
@pytest.fixture(params=("sqlite", "node"))
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield either.url(request.param, tmp_path)
    either.close_nodes()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[TracerProvider]:
    """Where the program's spans go; for one test, which the real place can't be told."""
    made = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: made)
    yield made
    made.shutdown()


@pytest.fixture
def seen(provider: TracerProvider, db: Any) -> Seen:
    """What is traced, with whatever the node of ``db`` tells."""
    return Seen(provider, lambda: either.at_rest(db))
