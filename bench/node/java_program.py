"""How do Java's clients of a server run? With the library of ScalarDB 3.13 as it was published."""

from __future__ import annotations

from typing import Final

from bench.beside.java_side import SOURCES as COMMON
from bench.beside.java_side import Program
from bench.import_time import ROOT
from tests.compatibility.java_build import CACHE, COPY, alone, digest, java_here, maven
from tests.compatibility.over_grpc.java_client import SOURCES as CLIENT

SOURCES: Final = ROOT / "bench" / "java_client"
# What of the library's own program has nothing to do with its newer releases.
SHARED: Final = ("Load", "Pipe", "Records", "Workload")


def over_grpc() -> Program:
    """The program; the errors are those of ``maven``."""
    java = java_here()
    with alone():
        jars = CACHE / f"client-jars-{digest((CLIENT / 'pom.xml').read_bytes())}"
        if not jars.is_dir():
            maven(CLIENT, [COPY], jars, "-DoutputDirectory={into}")
    shared = [COMMON / "scalar_tx" / "bench" / f"{name}.java" for name in SHARED]
    sources = [*shared, *sorted(SOURCES.rglob("*.java"))]
    # The library of 3.13 brings another logger, and warns of two.
    return Program(java, jars, sources, "scalar_tx.bench.OverGrpc", ("slf4j-simple",))
