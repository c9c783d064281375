"""Do storage, administration and pausing work with the Java client?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.compatibility.java_process import JavaError
from tests.compatibility.over_grpc.java_client import (
    DESCRIBED,
    RAW,
    JavaClient,
    ints,
    of,
    refused,
    row,
)

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Served


def test_storage_without_transactions(client: JavaClient) -> None:
    count = 250
    rows = [of(9, ck, RAW, values=ints(v=ck)) for ck in range(count)]
    for first in range(0, count, 50):
        client.do("storage.mutate", mutations=rows[first : first + 50])
    found = client.do("storage.scan", **of(9, None, RAW, projections=["ck"]))
    assert [row(one)["ck"] for one in found] == [*reversed(range(count))]
    client.do("storage.open_scan", tx="s", **of(9, None, RAW, descending="ck"))
    for ck in range(count - 1, count - 103, -1):  # beyond the first page
        assert row(client.do("storage.next", tx="s"))["ck"] == ck
    client.do("storage.close_scan", tx="s")
    put = of(9, 1, RAW, values=ints(v=7), condition={"kind": "PutIfNotExists"})
    assert refused(client, "storage.put", **put) == (
        "NoMutationException",
        "FAILED_PRECONDITION: CORE-20000: No mutation was applied",
    )
    client.do("storage.put", **(put | {"condition": {"kind": "PutIfExists"}}))
    client.do("storage.delete", **of(9, 2, RAW))
    assert row(client.do("storage.get", **of(9, 1, RAW, projections=["v"]))) == {"v": 7}
    assert client.do("storage.get", **of(9, 2, RAW)) is None
    assert client.do("storage.scan", **of(99, None, RAW)) == []


@pytest.mark.parametrize("stored", [False, True], ids=["transactional", "stored"])
def test_administration(client: JavaClient, stored: bool) -> None:
    which = {"stored": True} if stored else {}
    namespace = "of_java_stored" if stored else "of_java"
    name = f"{namespace}.t"

    def admin(command: str, about: str = name, **more: Any) -> Any:
        return client.admin(command, about, **which, **more)

    admin("create_namespace", namespace)
    assert admin("namespace_exists", namespace)
    admin("create_table", **DESCRIBED)
    assert admin("metadata") == DESCRIBED
    assert admin("table_exists")
    assert admin("tables", namespace) == ["t"]
    with pytest.raises(JavaError, match="CORE-10052: The table already exists") as caught:
        admin("create_table", **DESCRIBED)
    assert caught.value.kind == "IllegalArgumentException"
    admin("create_table", lenient=True, **DESCRIBED)
    admin("create_index", column="v")
    assert admin("index_exists", column="v")
    admin("drop_index", column="v")
    admin("add_column", column="extra", type="DOUBLE")
    assert admin("metadata")["columns"]["extra"] == "DOUBLE"
    wider = {**DESCRIBED, "columns": {**DESCRIBED["columns"], "extra": "DOUBLE"}}
    admin("repair_table", **wider)
    admin("truncate_table")
    with pytest.raises(JavaError, match="CORE-10053: The namespace is not empty"):
        admin("drop_namespace", namespace)
    admin("drop_table")
    assert admin("metadata") is None
    with pytest.raises(JavaError, match="CORE-10016: The table does not exist"):
        admin("drop_table")
    admin("drop_namespace", namespace)


def test_the_coordinators_tables(client: JavaClient) -> None:
    assert client.admin("coordinator_exists")
    with pytest.raises(JavaError, match="CORE-10094: Coordinator tables already exist"):
        client.admin("create_coordinator")
    client.admin("truncate_coordinator")
    client.admin("repair_coordinator")
    assert client.admin("metadata", "coordinator.state", stored=True) is not None
    assert client.admin("metadata", "coordinator.state") is None
    with pytest.raises(JavaError, match="CORE-10096: The namespace coordinator is reserved"):
        client.admin("create_namespace", "coordinator")


def test_a_pause_is_felt_as_a_wait_and_no_more(client: JavaClient, server: Served) -> None:
    client.do("pauses.pause", wait=True)
    assert "true" in client.do("pauses.paused")[0].lower()
    waiting = client.begin("manager.begin", lane="other")
    time.sleep(0.5)
    assert not waiting.done
    assert client.admin("namespace_exists", "shop")  # is not held up
    client.do("pauses.unpause")
    tx = waiting.result()
    kind, text = refused(client, "pauses.pause", wait=True, longest=100)
    assert kind == "AdminException"
    assert text.endswith("pause failed.")
    assert "false" in client.do("pauses.paused")[0].lower()
    client.do("tx.commit", tx=tx)
    client.do("pauses.pause", wait=False)
    client.do("pauses.unpause")
