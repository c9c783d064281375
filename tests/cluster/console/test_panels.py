"""Is a panel found by being there, in its place, and refused where it can't be one?"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster.console import pages, panels
from scalar_tx.cluster.console.asking import Workers
from scalar_tx.cluster.console.calls import ConsoleCalls
from scalar_tx.cluster.console.pages import all_pages, panel_files
from scalar_tx.cluster.console.panel import all_panels
from scalar_tx.cluster.console.routes import Console
from scalar_tx.settings.node import NodeSettings
from tests.cluster.console.dropped import WEATHER_JS, WEATHER_PY
from tests.cluster.console.site import READER, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(pages.__file__).parent / "page"
OWN = [
    "10-load.js",
    "20-open.js",
    "30-conflicts.js",
    "40-stuck.js",
    "50-storages.js",
    "60-workers.js",
]


def listed(text: str) -> Any:
    """What ``panels.js`` tells the page."""
    return json.loads(text.removeprefix("export default ").rstrip(";\n"))


def copied(folder: Path, *names: str) -> Path:
    """The page's files, with some panels more."""
    shutil.copytree(PAGE, folder / "page")
    for name in names:
        (folder / "page" / "panels" / name).write_text(WEATHER_JS)
    return folder / "page"


@pytest.fixture
def extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A further folder in which the server looks for panels."""
    folder = tmp_path / "extra"
    folder.mkdir()
    monkeypatch.setattr(panels, "__path__", [*panels.__path__, str(folder)])
    yield folder
    for path in folder.glob("*.py"):
        sys.modules.pop(f"{panels.__name__}.{path.stem}", None)
        vars(panels).pop(path.stem, None)


def test_the_page_is_told_of_each_panel_in_its_place() -> None:
    found = all_pages()
    assert listed(found["/panels.js"].text) == OWN
    assert {path for path in found if path.startswith("/panels/")} == {
        f"/panels/{name}" for name in OWN
    }


def test_numbers_are_numbers_and_other_files_are_none(tmp_path: Path) -> None:
    folder = copied(tmp_path, "5-first.js", "25-between.js", "100-last.js", "30-conflicts.js~")
    found = [one.name for one in panel_files(folder / "panels")]
    assert found == ["5-first.js", *OWN[:2], "25-between.js", *OWN[2:], "100-last.js"]
    assert "/panels/25-between.js" in all_pages(folder)


@pytest.mark.parametrize("name", ["weather.js", "25_weather.js", "25-Weather.js", "25-a{b}.js"])
def test_a_name_that_tells_no_place_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"name a panel by its place.*25-name\.js") as caught:
        all_pages(copied(tmp_path, name))
    assert name in str(caught.value)


def test_two_panels_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is a panel load already") as caught:
        all_pages(copied(tmp_path, "99-load.js"))
    assert all(name in str(caught.value) for name in ("99-load.js", "10-load.js"))


def test_a_dropped_panel_is_served_and_answered(
    tmp_path: Path, extra: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(tmp_path, "25-weather.js")
    monkeypatch.setattr(pages, "_FOLDER", folder)
    (extra / "weather.py").write_text(WEATHER_PY)
    site = Site()
    try:
        browser = site.browser()
        names = listed(browser.send("GET", "/panels.js").text)
        assert names.index("25-weather.js") == names.index("30-conflicts.js") - 1
        served = browser.send("GET", "/panels/25-weather.js")
        assert (served.status, served.text) == (200, WEATHER_JS)
        assert served.headers["Content-Type"].startswith("text/javascript")
        assert "script-src 'self'" in served.headers["Content-Security-Policy"]
        # It is for those who have logged in, without a word about that in its file.
        assert browser.get("weather").status == 401
        assert site.browser(READER).get("weather").data == {"weather": "dry", "open": 0}
    finally:
        site.close()


def test_a_file_without_a_panel_is_refused_by_its_name(extra: Path) -> None:
    (extra / "empty.py").write_text("PANEL = None\n")
    with pytest.raises(TypeError, match=r"empty\.py has no PANEL"):
        all_panels()


@pytest.mark.parametrize(
    "kind, name", [("reads", "tables"), ("reads", "session"), ("writes", "log-in")]
)
def test_no_panel_is_served_under_a_name_that_is_taken(extra: Path, kind: str, name: str) -> None:
    (extra / "greedy.py").write_text(
        WEATHER_PY.replace("reads=", f"{kind}=").replace('{"weather": _', f'{{"{name}": _')
    )
    with pytest.raises(ValueError, match=f"both call something {name}: rename it"):
        Console(NodeSettings(), Workers(dict), dict).application()


@pytest.mark.parametrize("name", ["stuck", "who", "log_in"])
def test_no_panel_answers_a_call_that_is_anothers(open_site: Site, extra: Path, name: str) -> None:
    (extra / "greedy.py").write_text(WEATHER_PY.replace('{"weather": w', f'{{"{name}": w'))
    worker = open_site.served.worker
    with pytest.raises(ValueError, match=f"both call something {name}: rename it"):
        ConsoleCalls(worker.database, worker.access, worker.gate, worker.sessions)
