"""Can Prometheus read what dashboards ask, and is there such a thing?"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.kubernetes.rule_files import MONITORING, ROOT, recorded
from tests.kubernetes.series import OF_THE_SERVICES, SERIES, SHOWN, asked_for
from tests.kubernetes.tools import promtool, said_by

if TYPE_CHECKING:
    from pathlib import Path

BOARDS = sorted((MONITORING / "dashboards").glob("*.json"))
GRID = 24
OURS = SERIES | OF_THE_SERVICES
PAGE = ROOT / "docs" / "metrics.md"


def board_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def expressions(path: Path) -> list[str]:
    return [
        target["expr"] for panel in board_of(path)["panels"] for target in panel.get("targets", ())
    ]


def test_the_four_dashboards_are_there() -> None:
    assert {path.stem for path in BOARDS} >= {"overview", "node", "services", "storages"}
    boards = [board_of(path) for path in BOARDS]
    assert len({board["uid"] for board in boards}) == len(boards)
    assert all(board["title"].startswith("ScalarDB / ") for board in boards)


def test_together_they_show_every_series_and_no_other() -> None:
    asked = {name for path in BOARDS for text in expressions(path) for name in asked_for(text)}
    assert asked - SHOWN - recorded().keys() == set()
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    assert OURS.keys() - shown == set(), "series that no dashboard shows"


def test_the_contract_of_the_metrics_is_documented() -> None:
    """What dashboards may name is what docs/metrics.md has a row for, with its labels."""
    rows = {
        name: tuple(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(
            r"^\| `(scala\w+)` \| \w+ \| ([^|]*)\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert rows == OURS


def test_the_services_dashboard_shows_what_an_operator_asks_of_them() -> None:
    [path] = [path for path in BOARDS if path.stem == "services"]
    asked = {name for text in expressions(path) for name in asked_for(text)}
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    assert bare == OF_THE_SERVICES.keys()
    board = board_of(path)
    [instance] = [one for one in board["templating"]["list"] if one["name"] == "instance"]
    # Only nodes that offer services are there to be chosen.
    assert asked_for(instance["query"]["query"].partition("(")[2].partition(",")[0]) <= asked
    titles = [panel["title"] for panel in board["panels"]]
    assert len(titles) == len(set(titles))


def test_a_misspelt_name_would_be_noticed() -> None:
    """Wherever a letter is lost, in the prefix too."""
    right = SHOWN | recorded().keys()
    for known in right:
        for at in range(len(known)):
            misspelt = known[:at] + known[at + 1 :]
            assert misspelt not in right
            text = f'topk(5, sum by (le) (rate({misspelt}{{instance=~"$instance"}}[5m]))) > 0.5'
            assert asked_for(text) == {misspelt}
            text = f"time() - max by (user_id) (max_over_time({misspelt}[1d])) and on (job) {known}"
            assert asked_for(text) == {misspelt, known}


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_labels_of_a_legend_are_there(path: Path) -> None:
    everywhere = {"instance", "job", "namespace"}
    for panel in board_of(path)["panels"]:
        for target in panel.get("targets", ()):
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            for name in asked_for(target["expr"]):
                bare = re.sub(r"_(bucket|count|sum)$", "", name)
                assert labels <= everywhere | set(OURS.get(bare, ())), panel["title"]
            if " by (" in target["expr"]:
                kept = set(
                    re.split(r"\W+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"])))
                )
                assert labels <= kept, panel["title"]


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_panels_lie_beside_one_another(path: Path) -> None:
    board = board_of(path)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {
            (at["x"] + right, at["y"] + down) for right in range(at["w"]) for down in range(at["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another panel"
        assert at["x"] + at["w"] <= GRID
        taken |= cells
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_panel_names_the_data_source_that_was_chosen(path: Path) -> None:
    board = board_of(path)
    for panel in board["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert all(
                target["datasource"] == panel["datasource"] for target in panel.get("targets", ())
            )
    assert [one["name"] for one in board["templating"]["list"]] == ["datasource", "instance"]


@pytest.mark.manifests
@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_prometheus_reads_every_expression(path: Path, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{i}", "expr": text} for i, text in enumerate(expressions(path))]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in said_by(
        promtool(), "check", "rules", str(file), folder=tmp_path
    )


def test_a_label_of_a_series_keeps_its_name() -> None:
    """Dashboards show namespaces of ScalarDB; Prometheus has others by the same name."""
    monitor = yaml.safe_load((MONITORING / "service-monitor.yaml").read_text())
    plain = yaml.safe_load((MONITORING / "scrape.yaml").read_text())
    assert [one["honorLabels"] for one in monitor["spec"]["endpoints"]] == [True]
    assert [one["honor_labels"] for one in plain["scrape_configs"]] == [True]
