"""Does a service touch its own tables only, and do its rules know nothing of gRPC?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import grimp
import pytest

from tests.architecture.checkout import ROOT

SERVICES = ROOT / "services"
AUDITOR = SERVICES / "scalar_auditor"
NAMES = ("audit", "verification", "event", "item", "identity")
# What belongs to the wire.
WIRE = ("grpc", "google", "scalar_auditor.rpc", "scalar_auditor.serving")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "scalar_auditor",
        include_external_packages=True,
        exclude_type_checking_imports=True,
        cache_dir=None,
    )


def test_only_packages_of_ours_are_among_the_services() -> None:
    found = [path.name for path in SERVICES.iterdir() if path.name != "__pycache__"]
    assert "scalar_auditor" in found
    assert [name for name in found if not name.startswith("scalar_")] == []


def tables() -> dict[str, list[str]]:
    return {
        name: list(json.loads((ROOT / "namespaces" / f"{name}.json").read_text())) for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_named_in_the_folder_of_its_service_alone(name: str) -> None:
    names = "|".join(re.escape(table) for table in tables()[name])
    pattern = re.compile(rf"(?<![\w.])({names})(?![\w.])")
    own = AUDITOR / name
    named = {path for path in AUDITOR.rglob("*.py") if pattern.search(path.read_text("utf-8"))}
    assert own / "model.py" in named
    assert [str(path) for path in sorted(named) if not path.is_relative_to(own)] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_records_of_a_service_are_its_own_affair(graph: grimp.ImportGraph, name: str) -> None:
    own = f"scalar_auditor.{name}"
    importers = graph.find_modules_that_directly_import(f"{own}.model")
    assert f"{own}.rules" in importers
    assert [one for one in sorted(importers) if not one.startswith(f"{own}.")] == []


@pytest.mark.parametrize("name", NAMES)
def test_rules_know_nothing_of_the_wire(graph: grimp.ImportGraph, name: str) -> None:
    for module in (f"scalar_auditor.{name}.rules", f"scalar_auditor.{name}.model"):
        chain = [
            found
            for wire in WIRE
            for found in graph.modules
            if (found == wire or found.startswith(f"{wire}."))
            and graph.direct_import_exists(importer=module, imported=found)
        ]
        assert chain == [], module


def test_a_service_calls_only_the_rules_of_another(graph: grimp.ImportGraph) -> None:
    """Or what its rules are made of: never its api."""
    apis = {f"scalar_auditor.{name}.api" for name in NAMES}
    assert [
        f"{importer} imports {api}"
        for api in sorted(apis & graph.modules)
        for importer in graph.find_modules_that_directly_import(api)
        if not importer.startswith(api.rpartition(".")[0])
    ] == []


def test_folders_hold_what_the_layout_says() -> None:
    for name in NAMES:
        parts = {path.name for path in Path(AUDITOR / name).glob("*.py")}
        assert {"__init__.py", "model.py", "rules.py", "api.py"} <= parts, name
