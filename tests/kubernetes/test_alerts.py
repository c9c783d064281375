"""Does every alert fire when it should, and only then? Prometheus' own tool says so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.kubernetes.rule_files import alerts, files_of_tests, rule_files, seen_to_wait, watched
from tests.kubernetes.tools import promtool, said_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rules as Prometheus reads them, and beside them their tests."""
    folder = tmp_path_factory.mktemp("monitoring")
    for name in ("rules", "tests"):
        (folder / name).mkdir()
    for file in rule_files():
        (folder / "rules" / file.path.name).write_text(yaml.safe_dump(dict(file.spec)))
    for path in files_of_tests():
        shutil.copy(path, folder / "tests")
    return folder


@pytest.mark.manifests
@pytest.mark.parametrize("name", [file.path.name for file in rule_files()])
def test_prometheus_takes_the_rules(folder: Path, name: str) -> None:
    said = said_by(promtool(), "check", "rules", name, folder=folder / "rules")
    assert "SUCCESS" in said


@pytest.mark.manifests
@pytest.mark.parametrize("name", [path.name for path in files_of_tests()])
def test_rules_fire_when_they_should_and_only_then(folder: Path, name: str) -> None:
    said_by(promtool(), "test", "rules", name, folder=folder / "tests")


def cases() -> Iterator[dict[str, Any]]:
    for path in files_of_tests():
        yield from yaml.safe_load(path.read_text())["tests"]


def test_every_alert_that_waits_is_seen_to_wait() -> None:
    waiting = {name for name, alert in alerts().items() if alert.get("for", "0s") != "0s"}
    assert waiting - seen_to_wait(cases()) == set()
    assert len(waiting) >= 30


def test_every_alert_is_seen_to_fire_and_to_be_quiet() -> None:
    tested = watched(cases())
    assert set(alerts()) - tested == set(), "alerts that no test sees both firing and quiet"
    assert tested - set(alerts()) == set(), "tests of alerts that are gone"
    assert len(tested) >= 30


QUIET = {"expr": 'ALERTS{alertname="A"}', "eval_time": "1m", "exp_samples": []}
FIRES = {
    "expr": 'ALERTS{alertstate="firing"}',
    "eval_time": "9m",
    "exp_samples": [{"labels": 'ALERTS{alertname="A", alertstate="firing"}', "value": 1}],
}
PENDING = {
    "expr": "ALERTS",
    "eval_time": "2m",
    "exp_samples": [{"labels": 'ALERTS{alertname="A", alertstate="pending"}', "value": 1}],
}


@pytest.mark.parametrize(
    "checks,expected",
    [
        ([[QUIET, FIRES]], {"A"}),
        ([[QUIET, PENDING]], set()),
        ([[QUIET], [FIRES]], set()),
        ([[FIRES]], set()),
        ([[QUIET]], set()),
    ],
)
def test_half_a_test_watches_over_nothing(
    checks: list[list[dict[str, Any]]], expected: set[str]
) -> None:
    assert watched({"promql_expr_test": one} for one in checks) == expected
