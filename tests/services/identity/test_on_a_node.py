"""On a real node: do its own tokens open no service, and a service's token nothing of its own?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_auditor.identity.first_admin import make_first_admin
from scalar_auditor.keys import KeyRing
from scalar_schema import read_files
from scalar_tx.cluster.rpc.v1 import security_pb2
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.settings import load
from tests.cluster.node.running import Node, until
from tests.cluster.node.test_certificates import Files
from tests.services.identity.world import ADMIN, refusal
from tests.services.stage import Calls, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.nodes

NAMESPACES = Path(__file__).resolve().parents[3] / "namespaces"


class Mixed:
    """A node whose callers log in, and which offers identity besides."""

    def __init__(self, folder: Path) -> None:
        self.files = Files(folder / "files")
        keys = folder / "keys.json"
        keys.write_text(KeyRing.made("test").as_text())
        database = folder / "node" / "node.db"
        database.parent.mkdir()
        self.password = prepared(f"sqlite:///{database}")
        self.node = Node(
            folder / "node",
            "--workers",
            "2",
            "--services",
            "scalar_auditor.services:identity",
            "--dev",
            properties=self.files.properties,
            environment={"SCALAR_AUDITOR_KEYS_FILE": str(keys), "SCALAR_AUDITOR_SMTP_URL": None},
        ).begun()
        first = self.node.said()
        self.root = {"username": first["user"], "password": first["password"]}

    def channel(self) -> grpc.Channel:
        """A connection of its own, which the kernel gives to any worker."""
        pem = self.files.ca.cert_pem.bytes()
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.secure_channel(self.node.where, grpc.ssl_channel_credentials(pem), options)

    def calls(self, token: str | None = None) -> Calls:
        return Calls(self.channel(), None if token is None else f"Bearer {token}")

    def tokens(self) -> Any:
        return self.calls().Login(user_email=ADMIN, password=self.password)

    def token_of_the_node(self) -> str:
        with self.channel() as channel:
            log_in: Any = channel.unary_unary(
                "/scalar_tx.v1.Security/LogIn",
                security_pb2.LogInRequest.SerializeToString,
                security_pb2.Tokens.FromString,
            )
            request = security_pb2.LogInRequest(
                user=self.root["username"], password=self.root["password"]
            )
            token: str = log_in(request, timeout=20).access_token
            return token

    def at_the_node(self, token: str) -> str:
        """What the node itself answers to one with that token."""
        with self.channel() as channel:
            who: Any = channel.unary_unary(
                "/scalar_tx.v1.Security/ListUsers",
                security_pb2.ListRequest.SerializeToString,
                security_pb2.Users.FromString,
            )
            metadata = (("authorization", f"Bearer {token}"),)
            try:
                who(security_pb2.ListRequest(), timeout=20, metadata=metadata)
            except grpc.RpcError as error:
                code: Any = error
                return str(code.code().name)
            return "OK"


def prepared(target: str) -> str:
    """The tables, and the first admin's password."""

    async def prepare() -> str:
        manager = AsyncTransactionManager(load(target), open_async)
        try:
            await manager.admin.create_coordinator_tables()
            for one in read_files(sorted(NAMESPACES.glob("*.json"))):
                await manager.admin.create_table(one.name, one.schema)
            return await make_first_admin(manager, ADMIN)
        finally:
            await manager.close()

    return asyncio.run(prepare())


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixed]:
    made = Mixed(tmp_path_factory.mktemp("mixed"))
    yield made
    made.node.__exit__()


def test_a_token_of_identity_is_none_of_the_nodes_nor_the_reverse(mixed: Mixed) -> None:
    of_identity, of_node = mixed.tokens(), mixed.token_of_the_node()
    assert mixed.calls(of_identity.access_token).GetUser(user_email=ADMIN).user_email == ADMIN
    assert mixed.at_the_node(of_node) == "OK"
    for token in (of_identity.access_token, of_identity.refresh_token):
        assert mixed.at_the_node(token) == "UNAUTHENTICATED"
    refused = refusal(lambda: mixed.calls(of_node).GetUser(user_email=ADMIN))
    assert (refused.code, refused.reason) == ("UNAUTHENTICATED", "BAD_TOKEN")


def test_a_password_of_one_opens_the_other_no_more(mixed: Mixed) -> None:
    with pytest.raises(Refused) as caught:
        mixed.calls().Login(user_email="scalar_admin@example.org", password=mixed.root["password"])
    assert caught.value.reason == "BAD_LOG_IN"
    trust = {"cluster_tls_ca_root_cert_path": str(mixed.files.chain.parent / "ca.crt")}
    mixed.files.ca.cert_pem.write_to_path(trust["cluster_tls_ca_root_cert_path"])
    how: dict[str, Any] = {"username": ADMIN, "password": mixed.password, **trust}
    with (
        scalar_tx.connect(f"grpcs://{mixed.node.where}", **how) as db,
        pytest.raises(scalar_tx.ScalarTxError) as refused,
    ):
        db.get("identity.user", {"user_email": ADMIN})
    assert refused.value.code == "STX-5203"


def test_nobody_reaches_the_tables_past_the_service(mixed: Mixed) -> None:
    """Not even who may do everything on the node."""
    ca = mixed.files.chain.parent / "ca.crt"
    mixed.files.ca.cert_pem.write_to_path(ca)
    how: dict[str, Any] = {**mixed.root, "cluster_tls_ca_root_cert_path": str(ca)}
    with scalar_tx.connect(f"grpcs://{mixed.node.where}", **how) as db:
        with pytest.raises(scalar_tx.ScalarTxError):
            db.get("identity.user", {"user_email": ADMIN})
        with pytest.raises(scalar_tx.ScalarTxError):
            db.upsert("identity.user", {"user_email": ADMIN, "name": "Eve"})


def test_a_code_is_in_the_log_of_a_node_for_developers(mixed: Mixed) -> None:
    mixed.calls().RequestPasswordReset(user_email=ADMIN)
    until(lambda: f"the code for {ADMIN} is" in mixed.node.log, "the code is in the log")


def test_the_workers_bound_tries_together(mixed: Mixed) -> None:
    """And hash one at a time: both share the files of the node's own folder."""
    reasons = []
    for _ in range(40):
        refused = refusal(
            lambda: mixed.calls().Login(user_email="x@example.org", password="wrong one")
        )
        reasons.append(refused.reason)
    assert reasons[0] == "BAD_LOG_IN"
    # Four without a pause, then behind 1, 2, 4 … seconds. Each by itself would let eight through.
    assert 4 <= reasons.count("BAD_LOG_IN") <= 7
    assert "TOO_MANY_ATTEMPTS" in reasons


def test_passwords_are_hashed_one_at_a_time_whoever_logs_in(mixed: Mixed) -> None:
    """Each worker has the one lock twice: for the node's own users, and for these."""
    locks: dict[int, list[str]] = {}
    for process in mixed.node.workers():
        files = [
            str(one.readlink()) for one in Path(f"/proc/{process}/fd").iterdir() if one.is_symlink()
        ]
        locks[process] = [file for file in files if file.endswith("/passwords.lock")]
    assert [len(of_worker) for of_worker in locks.values()] == [2, 2]
    assert len({file for of_worker in locks.values() for file in of_worker}) == 1


def test_what_ended_at_one_worker_has_ended_at_all_within_five_seconds(mixed: Mixed) -> None:
    token = mixed.tokens().access_token
    several = [mixed.calls(token) for _ in range(8)]
    for calls in several:
        calls.GetUser(user_email=ADMIN)
    several[0].Logout()
    time.sleep(5)
    for calls in several:
        assert refusal(lambda calls=calls: calls.GetUser(user_email=ADMIN)).reason == "BAD_TOKEN"  # type: ignore[misc]
