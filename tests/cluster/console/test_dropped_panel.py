"""Is a panel that was dropped into a copy of this package seen in a browser, and no fault of it?"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

import scalar_tx
from tests.cluster.console.chromium import chromium, program
from tests.cluster.console.dropped import drop
from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

SEEN_SECONDS = 20


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """One of a copy of the package, with a database that is complete."""
    program()
    copy = tmp_path / "copy" / "scalar_tx"
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(scalar_tx.__file__).parent, copy, ignore=leave)
    drop(copy)
    (tmp_path / "node").mkdir()
    with scalar_tx.connect(f"sqlite:///{tmp_path / 'node' / 'node.db'}") as db:
        db.admin.create_coordinator_tables()
    path = os.pathsep.join([str(copy.parent), *filter(None, sys.path)])
    # Else the folder in which the tests run comes first.
    environment = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}
    with Node(tmp_path / "node", "--workers", "1", environment=environment) as made:
        yield made


def test_it_is_seen_in_its_place_and_a_broken_one_harms_no_other(node: Node) -> None:
    with chromium() as browser:
        page = browser.new_page()
        asked = Counter[str]()
        page.on("request", lambda request: asked.update([urlsplit(request.url).path]))
        page.goto(f"http://127.0.0.1:{node.told['http_port']}/console")
        for what in ("#weather p >> text=dry, 0 open", "#storages .badge", "#clumsy .problem"):
            page.wait_for_selector(f"{what} >> visible=true", timeout=1000 * SEEN_SECONDS)
        for _ in range(10 * SEEN_SECONDS):  # further samples, each of which fails there again
            if asked["/console/api/weather"] >= 4:
                break
            page.wait_for_timeout(100)
        assert page.locator("nav a").all_inner_texts() == [
            "Clumsy",
            "Load",
            "Open",
            "Weather",
            "Conflicts",
            "Stuck records",
            "Storages",
            "Workers",
            "torn",
        ]
        assert page.locator("section h2").nth(3).inner_text() == "Weather here"
        assert page.inner_text("#state") == "ready"
        assert problems(page) == {"clumsy": "it fell over", "torn": problems(page)["torn"]}
        assert "Unexpected token" in problems(page)["torn"]
        assert page.locator("#workers-rows tr").count() == 1
        # What several panels ask is asked for once, and what rests is left to rest.
        assert asked["/console/api/weather"] >= 4
        assert asked["/console/api/overview"] <= asked["/metrics"] + 1
        assert 1 <= asked["/console/api/storages"] < asked["/console/api/weather"] / 2


def problems(page: Any) -> dict[str, str]:
    """What sections say of what went wrong in them."""
    found = page.locator("section:has(> .problem:not([hidden]))")
    return {one.get_attribute("id"): one.locator("> .problem").inner_text() for one in found.all()}
