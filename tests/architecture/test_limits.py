"""Is every limit that a node can be given obeyed by something?"""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from scalar_tx.settings.node import Limits
from tests.architecture.checkout import text_files


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_a_limit_of_a_node_is_looked_at(name: str) -> None:
    asked = re.compile(rf"\blimits\.{name}\b")
    assert any(
        asked.search(text) for path, text in text_files() if path.startswith("scalar_tx/cluster/")
    )
