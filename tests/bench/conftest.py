"""Java where nothing is measured: with its first compiler alone, since no test lasts for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.artifacts import quick_start

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="module")
def quick_java() -> Iterator[None]:
    """Whatever of ``bench`` starts a JVM."""
    from bench.beside import java_side  # with their tests: a run without those needs neither
    from bench.node import running

    with pytest.MonkeyPatch.context() as patch:
        for module in (java_side, running):
            patch.setattr(module, "JVM", (*java_side.JVM, *quick_start()))
        yield
