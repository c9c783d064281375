"""Does every alert lead to a runbook that is there, and name only what is there?"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.main import get_command

from scalar_schema.cli import app as schema_app
from scalar_tx.cli import app
from tests.kubernetes.rule_files import ROOT, RUNBOOK, alerts, recorded, rule_files
from tests.kubernetes.series import OF_THE_SERVICES, SERIES, SHOWN, asked_for

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = "https://github.com/scalar-tx/scalar_tx/blob/main/docs/operations.md#"
SECTION = re.compile(r"^### (ScalarDB\w+)$", re.MULTILINE)
ANCHOR = re.compile(r"\]\(#([\w-]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Operating values, Metrics and alerts: expression, time, severity, summary.
FIXED = {
    "ScalarDBHighLatency": (
        (
            "histogram_quantile(0.99, sum by (le, instance)"
            " (rate(scalardb_transaction_latency_seconds_bucket[5m]))) > 0.5"
        ),
        "5m",
        "warning",
        "ScalarDB high latency detected",
    ),
    "ScalarDBHighAbortRate": (
        (
            "sum by (instance) (rate(scalardb_transaction_abort_total[5m]))"
            " / sum by (instance) (rate(scalardb_transaction_total[5m])) > 0.01"
        ),
        "5m",
        "critical",
        "ScalarDB high abort rate detected",
    ),
}
VENDORS = {"ClusterDown", "ClusterDegraded", "PodsPending", "PodsError"}
# What programs do of their own will.
WITHOUT_ALERT = {"scalardb_transaction_rollback_total"}


@pytest.fixture(scope="module")
def page() -> str:
    return RUNBOOK.read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    parts = SECTION.split(page)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_alert_has_its_runbook_and_every_runbook_its_alert(page: str) -> None:
    found = sections(page)
    assert len(found) == len(SECTION.findall(page)), "a section stands there twice"
    assert sorted(found) == sorted(alerts())
    for name, alert in alerts().items():
        assert alert["annotations"]["runbook_url"] == PAGE + name.lower()


def test_a_runbook_says_what_it_means_how_to_look_and_what_to_do(page: str) -> None:
    for name, text in sections(page).items():
        assert "**Means.**" in text, name
        assert "**Look" in text, name
        assert "**Do.**" in text or "**do**" in text, name


def test_links_within_the_page_lead_somewhere(page: str) -> None:
    anchors = {heading.lower().replace(" ", "-") for heading in HEADING.findall(page)}
    assert set(ANCHOR.findall(page)) - anchors == set()


def test_an_alert_says_all_that_its_reader_needs() -> None:
    for name, alert in alerts().items():
        assert alert["labels"] == {"severity": alert["labels"]["severity"]}
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}, name
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}, name


@pytest.mark.parametrize("name", FIXED)
def test_the_two_alerts_of_the_design_are_as_it_has_them(name: str) -> None:
    alert = alerts()[name]
    found = (
        alert["expr"].strip(),
        alert["for"],
        alert["labels"]["severity"],
        alert["annotations"]["summary"],
    )
    assert found == FIXED[name]


def test_the_recorded_rules_are_there() -> None:
    assert set(recorded()) == {
        "scalardb:transaction_latency:p99",
        "scalardb:transaction_throughput",
        "scalardb:commit_success_rate",
        "scalardb:abort_rate",
    }


def test_rules_are_objects_that_the_operator_takes() -> None:
    files = rule_files()
    names = [file.object["metadata"]["name"] for file in files]
    assert len(names) == len(set(names)) >= 4
    groups = [group["name"] for file in files for group in file.spec["groups"]]
    assert len(groups) == len(set(groups))
    for file in files:
        assert file.object["apiVersion"] == "monitoring.coreos.com/v1"
        assert file.object["kind"] == "PrometheusRule"


def test_rules_ask_only_for_series_that_are_shown() -> None:
    asked: set[str] = set()
    for expression in [*recorded().values(), *(alert["expr"] for alert in alerts().values())]:
        asked |= asked_for(expression)
    assert asked - SHOWN - recorded().keys() == set()
    watched = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    ours = SERIES.keys() | OF_THE_SERVICES.keys()
    assert ours - watched == WITHOUT_ALERT, "series that no alert looks at"


def test_the_vendors_alerts_look_at_our_pods_in_our_namespaces() -> None:
    for name in VENDORS:
        expression = alerts()[f"ScalarDB{name}"]["expr"]
        # A selector without a filter is joined to one that has it.
        assert 'namespace=~"scalardb.*"' in expression
        assert "scalardb-cluster" in expression
    filters = re.compile(r'namespace=~"([^"]+)"')
    [pattern] = {one for alert in alerts().values() for one in filters.findall(alert["expr"])}
    for overlay in sorted((ROOT / "k8s" / "overlays").glob("*/kustomization.yaml")):
        namespace = yaml.safe_load(overlay.read_text()).get("namespace", "")
        assert re.fullmatch(pattern, namespace), f"no alert looks into {overlay.parent.name}"


def commands(page: str) -> Iterator[list[str]]:
    """Every command of ours on the page, in blocks and in the text."""
    texts = re.findall(r"`([^`\n]+)`", page)
    for block in re.findall(r"^```\w+\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        texts += block.splitlines()
    for text in texts:
        if "(" in text:
            continue  # the definition of a shell function
        found = re.search(r"(?:^|-- |^\S+ )(scalar-tx|tx) (.*)", text)
        if found:
            yield shlex.split(found[2])


def test_commands_on_the_page_exist(page: str) -> None:
    found = [words for words in commands(page) if words]
    assert len(found) > 20
    for found_words in found:
        words = list(found_words)
        loader = words[0] == "schema"  # which has a command line of its own
        command: Any = get_command(schema_app if loader else app)
        words = words[1:] if loader else words
        while words and (commands_of := getattr(command, "commands", None)):
            assert words[0] in commands_of, f"there is no such command: {words}"
            command = commands_of[words.pop(0)]
        known = {option for param in command.params for option in param.opts}
        assert {word for word in words if word.startswith("--")} <= known, command.name
