"""Does each package import only what its place in the design allows?

pyproject.toml's import-linter contracts order the layers and keep I/O out of the protocol. Here
stand the lists that need no change when an adapter is added: who may import what, exactly.
"""

from __future__ import annotations

import grimp
import pytest

from tests.architecture.drivers import DRIVER_HOMES

INTERFACES = {
    "scalar_tx.storage.admin",
    "scalar_tx.storage.interface",
    "scalar_tx.runtime.interface",
}
VOCABULARY = {"scalar_tx.model", "scalar_tx.errors"}
SERVER = "scalar_tx.cluster.scalardb_server"
TRANSLATION = {f"{SERVER}.{part}" for part in ("columns", "operations", "results", "metadata")}

# package -> what of this project it may import besides itself
MAY_IMPORT = {
    "scalar_tx.errors": {"scalar_tx.model"},
    "scalar_tx.model": {"scalar_tx.errors"},
    "scalar_tx.storage.admin": VOCABULARY,
    "scalar_tx.storage.interface": VOCABULARY | {"scalar_tx.storage.admin"},
    "scalar_tx.runtime.interface": VOCABULARY | {"scalar_tx.storage.interface"},
    "scalar_tx.storage.ordering": VOCABULARY | {"scalar_tx.storage.interface"},
    "scalar_tx.consensus_commit": INTERFACES | VOCABULARY | {"scalar_tx.storage.ordering"},
    **dict.fromkeys(sorted(TRANSLATION), TRANSLATION | {"scalar_tx.cluster.rpc"} | VOCABULARY),
}

# Every other child of scalar_tx.storage is an adapter, or what adapters share.
NO_ADAPTERS = {"admin", "interface", "registry", "routing", "conformance"}
SHARED_BY_ADAPTERS = {
    "scalar_tx.storage.later_steps",
    "scalar_tx.storage.ordering",
    "scalar_tx.storage.refusals",
    "scalar_tx.storage.sql",
}
ADAPTERS_MAY_IMPORT = {"scalar_tx.storage.interface"} | SHARED_BY_ADAPTERS | VOCABULARY


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("scalar_tx", include_external_packages=True, cache_dir=None)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def imports(graph: grimp.ImportGraph, package: str = "") -> list[tuple[str, str]]:
    """Every direct import in the package, or in all of the project, as (importer, imported)."""
    return sorted(
        (importer, imported)
        for importer in graph.modules
        if not package or within(importer, package)
        for imported in graph.find_modules_directly_imported_by(importer)
    )


def surplus(graph: grimp.ImportGraph, package: str, allowed: set[str]) -> list[str]:
    return [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph, package)
        if within(imported, "scalar_tx")
        if not any(within(imported, one) for one in allowed | {package})
    ]


def adapters(graph: grimp.ImportGraph) -> set[str]:
    children = graph.find_children("scalar_tx.storage")
    return {child for child in children if child.rpartition(".")[2] not in NO_ADAPTERS}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_inner_packages_import_only_what_the_design_lists(
    graph: grimp.ImportGraph, package: str
) -> None:
    assert package in graph.modules, f"{package} was moved: correct MAY_IMPORT"
    assert surplus(graph, package, MAY_IMPORT[package]) == []


def test_the_checker_of_histories_knows_nothing_of_the_protocol(
    graph: grimp.ImportGraph,
) -> None:
    recorder = "scalar_tx.histories.record"
    allowed = {"scalar_tx.errors", "scalar_tx.model.isolation", "scalar_tx.histories"}
    assert "scalar_tx.histories.check" in graph.modules
    assert [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph, "scalar_tx.histories")
        if importer != recorder and within(imported, "scalar_tx")
        if imported == recorder or not any(within(imported, one) for one in allowed)
    ] == []


def test_adapters_know_nothing_of_the_protocol_nor_of_each_other(
    graph: grimp.ImportGraph,
) -> None:
    assert adapters(graph), "no adapter was found: correct NO_ADAPTERS"
    assert [
        line
        for adapter in sorted(adapters(graph))
        for line in surplus(graph, adapter, ADAPTERS_MAY_IMPORT)
    ] == []


def test_only_the_registry_knows_adapters(graph: grimp.ImportGraph) -> None:
    assert [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph)
        for adapter in adapters(graph) - SHARED_BY_ADAPTERS
        if within(imported, adapter)
        if not within(importer, adapter) and importer != "scalar_tx.storage.registry"
    ] == []


def test_only_the_cluster_knows_grpc_and_its_messages(graph: grimp.ImportGraph) -> None:
    assert "scalar_tx.cluster.rpc.scalardb_pb2" in graph.modules
    assert [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph)
        if imported in {"google", "grpc"} or within(imported, "scalar_tx.cluster.rpc")
        if not within(importer, "scalar_tx.cluster")
    ] == []


def test_only_what_makes_spans_knows_opentelemetry(graph: grimp.ImportGraph) -> None:
    homes = {f"scalar_tx.observe.{one}" for one in ("spans", "tracing", "carried")}
    importers = {importer for importer, imported in imports(graph) if imported == "opentelemetry"}
    assert importers == homes


def test_a_driver_is_imported_by_its_own_adapter_alone(graph: grimp.ImportGraph) -> None:
    assert [
        f"{importer} imports {imported}"
        for importer, imported in imports(graph)
        if imported in DRIVER_HOMES and not within(importer, DRIVER_HOMES[imported])
    ] == []
