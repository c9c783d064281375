"""Is what was granted on a table gone with it, also where a client of ScalarDB drops it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster.rpc.v1 import security_pb2 as rpc
from tests.cluster.node.running import Node
from tests.cluster.scalardb_server.served import Client

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes

TABLE = "shop.item"


class Superuser:
    """Somebody who has logged in, and asks about users."""

    def __init__(self, channel: grpc.Channel, name: str, password: str) -> None:
        self._channel = channel
        self._metadata: Any = ()
        tokens = self.ask("LogIn", rpc.LogInRequest(user=name, password=password), rpc.Tokens)
        self._metadata = (("authorization", f"Bearer {tokens.access_token}"),)

    def ask(self, method: str, request: Any, answer: Any = rpc.SecurityDone) -> Any:
        call: Any = self._channel.unary_unary(
            f"/scalar_tx.v1.Security/{method}",
            type(request).SerializeToString,
            answer.FromString,
        )
        return call(request, timeout=20, metadata=self._metadata)


@pytest.mark.parametrize("service", ["DistributedStorageAdmin", "DistributedTransactionAdmin"])
def test_a_later_table_is_not_for_those_who_had_the_former(tmp_path: Path, service: str) -> None:
    guarded = "scalar.db.cluster.auth.enabled=true\n"
    options = ("--workers", "1", "--insecure", "--scalardb-server-port", "0")
    with Node(tmp_path, *options, properties=guarded) as node:
        first = node.said()
        how = {"username": first["user"], "password": first["password"]}
        with (
            scalar_tx.connect(f"grpc://{node.where}", **how) as db,
            grpc.insecure_channel(node.where) as channel,
        ):
            db.admin.create_table(TABLE, columns={"id": "INT"}, partition_key=["id"])
            admin = Superuser(channel, first["user"], first["password"])
            admin.ask("CreateRole", rpc.RoleRequest(role="clerks"))
            for place in (TABLE, "other.item"):
                grant = rpc.GrantRequest(subject="role:clerks", privileges=["SELECT"], object=place)
                admin.ask("Grant", grant)
            client = Client(node.told["scalardb_server_port"])
            request = client.request(f"{service}/DropTable", namespace="shop", table="item")
            client.call(f"{service}/DropTable", request)
            client.close()
            left = admin.ask("ListGrants", rpc.ListRequest(subject="role:clerks"), rpc.Grants)
            assert [one.object for one in left.grants] == ["other.item"]
