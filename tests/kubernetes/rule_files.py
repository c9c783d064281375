"""What do the files of rules hold, and which of their tests watch over which alert?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT: Final = Path(__file__).parents[2]
MONITORING: Final = ROOT / "k8s" / "components" / "monitoring"
RUNBOOK: Final = ROOT / "docs" / "operations.md"

_ALERTNAME: Final = re.compile(r'\balertname="(\w+)"')
_FIRING: Final = 'alertstate="firing"'
_PENDING: Final = 'alertstate="pending"'


@dataclass(frozen=True)
class RuleFile:
    """A PrometheusRule object as it lies in the tree; ``spec`` is what Prometheus itself reads."""

    path: Path
    object: Mapping[str, Any]

    @property
    def spec(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.object["spec"]
        return found

    def rules(self) -> Iterator[Mapping[str, Any]]:
        for group in self.spec["groups"]:
            yield from group["rules"]


def rule_files() -> list[RuleFile]:
    """Every file of rules, whoever put it there."""
    found = sorted((MONITORING / "rules").glob("*.y*ml"))
    return [RuleFile(path, yaml.safe_load(path.read_text())) for path in found]


def alerts() -> dict[str, Mapping[str, Any]]:
    """Every alert by its name."""
    return {
        rule["alert"]: rule for file in rule_files() for rule in file.rules() if "alert" in rule
    }


def recorded() -> dict[str, str]:
    """Every recorded expression by its name."""
    return {
        rule["record"]: rule["expr"]
        for file in rule_files()
        for rule in file.rules()
        if "record" in rule
    }


def files_of_tests() -> list[Path]:
    """Every file of tests of rules."""
    return sorted((MONITORING / "tests").glob("*.y*ml"))


def seen_to_wait(tests: Iterable[Mapping[str, Any]]) -> set[str]:
    """The alerts that a test sees pending: they wait before they fire."""
    return {
        name
        for test in tests
        for check in test.get("promql_expr_test", ())
        for sample in check["exp_samples"]
        if _PENDING in sample["labels"]
        for name in _ALERTNAME.findall(sample["labels"])
    }


def watched(tests: Iterable[Mapping[str, Any]]) -> set[str]:
    """The alerts that a test sees fire and, on the same series at another time, sees quiet.

    On the same series: an alert is quiet, too, about what it never looks at.
    """
    found: set[str] = set()
    for test in tests:
        fires: set[str] = set()
        quiet: set[str] = set()
        for check in test.get("promql_expr_test", ()):
            named = set(_ALERTNAME.findall(check["expr"]))
            for sample in check["exp_samples"]:
                if _FIRING in sample["labels"]:
                    fires.update(_ALERTNAME.findall(sample["labels"]))
            if not check["exp_samples"]:
                quiet |= named
        for check in test.get("alert_rule_test", ()):
            (fires if check.get("exp_alerts") else quiet).add(check["alertname"])
        found |= fires & quiet
    return found
