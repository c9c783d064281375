"""Which tests of the services run wherever tests do? A file of each; the rest is a group."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ANYWHERE = {
    "audit/test_sets.py",
    "client/test_every_method.py",
    "event/test_ingest.py",
    "identity/test_accounts.py",
    "item/test_items.py",
    "verification/test_registering.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and item.path.relative_to(HERE).as_posix() not in ANYWHERE:
            item.add_marker(pytest.mark.services)
