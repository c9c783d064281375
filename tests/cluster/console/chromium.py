"""A real browser, without a window: Debian's Chromium, driven by Playwright.

Playwright is fetched once, to where the servers' programs stay too: it brings 160 MB, which nobody
needs who does not test pages. Chromium has to be there: ``apt-get install chromium``.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import places

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAYWRIGHT = "playwright==1.65.2"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    # In a container there is no user of its own for it; it opens this machine's pages only.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def program() -> str:
    """Chromium; without it the tests are left out."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium: apt-get install --no-install-recommends chromium")
    return found


def _playwright() -> Any:
    place = places.cache() / PLAYWRIGHT.replace("==", "-")
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            made = Path(folder, "made")
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(made)]
            subprocess.run([*command, PLAYWRIGHT], check=True, timeout=600)
            made.rename(place)
    if str(place) not in sys.path:
        sys.path.append(str(place))
    return importlib.import_module("playwright.sync_api")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, with no page open yet."""
    path = program()
    # Node.js, which Playwright brings, warns of variables that pytest's machine may have set.
    os.environ.pop("NODE_OPTIONS", None)
    with _playwright().sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
