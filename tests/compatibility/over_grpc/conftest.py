"""One JVM with the Java client, and servers for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cluster.scalardb_server.served import Served
from tests.compatibility.java_build import JavaMissingError
from tests.compatibility.java_process import JavaProcess
from tests.compatibility.over_grpc.java_client import (
    DESCRIBED,
    RAW,
    TABLE,
    JavaClient,
    client_command,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def process() -> Iterator[JavaProcess]:
    try:
        made = JavaProcess(command=client_command())
    except JavaMissingError as missing:
        if os.environ.get("SCALAR_TX_STRICT") == "1":
            pytest.fail(f"SCALAR_TX_STRICT=1, but {missing}")
        pytest.skip(str(missing))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("java")
    target = "memory://" if request.param == "memory" else f"sqlite:///{folder}/served.db"
    served = Served(target)
    yield served
    served.close()


@pytest.fixture(scope="module")
def client(process: JavaProcess, server: Served) -> Iterator[JavaClient]:
    made = JavaClient(process, server.port)
    made.admin("create_coordinator", lenient=True)
    made.admin("create_namespace", "shop", lenient=True)
    made.admin("create_table", TABLE, **DESCRIBED)
    made.admin("create_table", RAW, stored=True, **DESCRIBED)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a client does, nothing stays admitted at a server of this process."""
    yield
    if "server" in request.fixturenames:
        server: Served = request.getfixturevalue("server")
        assert server.drained(), server.gate
