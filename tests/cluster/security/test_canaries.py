"""Is a secret ever seen where it does not belong?

Each secret that a node and its clients handle is one that can be found again. All that can be done
with them is done, the wrong things too, and then everything that is written is looked through.
"""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx import ScalarTxError
from scalar_tx.cluster.rpc.v1 import security_pb2 as rpc
from scalar_tx.settings import load
from tests.cluster.console.site import Browser
from tests.cluster.node.running import Admin, until
from tests.cluster.security.test_tls import TABLE, Secured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.nodes

STORAGE, ADA, WRONG, LATER, LEAST = (
    f"canary-{name}-7f3a9c51" for name in ("storage", "ada", "wrong", "later", "least")
)


class Secrets:
    """All that is to be found nowhere, and all that was seen."""

    def __init__(self, secured: Secured) -> None:
        self.secured = secured
        self.found: dict[str, str] = {
            "the storage's password": STORAGE,
            "a password": ADA,
            "a wrong password": WRONG,
            "a later password": LATER,
            "a password that is too short": LEAST,
            "the first password": secured.first["password"],
        }
        pem = secured.files.key.read_text().splitlines()
        lines = [line for line in pem if line and not line.startswith("-----")]
        self.found.update({f"line {n} of the key": line for n, line in enumerate(lines)})
        self.seen: list[str] = []
        credentials = grpc.ssl_channel_credentials(secured.ca.read_bytes())
        self.channel = grpc.secure_channel(secured.node.where, credentials)
        self.admin = Admin.__new__(Admin)
        self.admin._channel = grpc.secure_channel(secured.node.admin, credentials)

    def call(self, method: str, request: Any, answer: Any, token: str = "") -> Any:
        """The answer, or None; what is told of an error is kept."""
        made: Any = self.channel.unary_unary(
            f"/scalar_tx.v1.Security/{method}", type(request).SerializeToString, answer.FromString
        )
        metadata = (("authorization", f"Bearer {token}"),) if token else ()
        try:
            return made(request, timeout=20, metadata=metadata, wait_for_ready=True)
        except grpc.RpcError as error:
            self.seen.append(f"{error!r} {error.trailing_metadata()}")
            return None

    def log_in(self, user: str, password: str) -> Any:
        ask = rpc.LogInRequest(user=user, password=password)
        tokens = self.call("LogIn", ask, rpc.Tokens)
        if tokens is not None:
            number = len(self.found)
            self.found[f"token {number}"] = tokens.access_token
            self.found[f"token {number} for refreshing"] = tokens.refresh_token
        return tokens

    def fails(self, work: Callable[[], object]) -> None:
        with pytest.raises(ScalarTxError) as caught:
            work()
        error = caught.value
        self.seen.append(f"{error!r} {error} {error.advice} {vars(error)!r}")

    def hits(self) -> list[str]:
        """Which secrets were seen, and where."""
        node = self.secured.node
        places = {"the log": node.log, "what a caller sees": "\n".join(self.seen)}
        for path in ("/metrics", "/readyz", "/healthz", "/stats/prometheus", f"/{ADA}", "/console"):
            places[path] = node.text(path)[1].replace(f"/{ADA}", "")
        return [
            f"{name} in {place}"
            for place, text in places.items()
            for name, secret in self.found.items()
            if secret in text
        ]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_secret_is_seen(tmp_path: Path, log_format: str) -> None:
    more = f"scalar.db.username=somebody\nscalar.db.password={STORAGE}\n"
    secured = Secured(tmp_path, "--log-format", log_format, more=more)
    try:
        secrets = Secrets(secured)
        _everything(secrets)
        _by_a_program(secrets)
        _by_a_browser(secrets)
        secrets.seen.append(repr(load(tmp_path / "node" / "node.properties")))
        assert _looks_at_all(secured, log_format)
        assert secrets.hits() == []
        secrets.seen.append(f"and {ADA}")
        assert secrets.hits() == ["a password in what a caller sees"]  # they would be found
    finally:
        secured.node.__exit__()


def _everything(secrets: Secrets) -> None:
    first = secrets.secured.first
    root = secrets.log_in(first["user"], first["password"])
    done, token = rpc.SecurityDone, root.access_token
    for password in (LEAST[:5], ADA):
        ask = rpc.UserRequest(user="ada", password=password)
        secrets.call("CreateUser", ask, done, token)
    secrets.call("CreateUser", rpc.UserRequest(user="ada", password=WRONG), done, token)
    privileges = ["SELECT", "INSERT", "UPDATE"]
    grant = rpc.GrantRequest(subject="user:ada", privileges=privileges, object="shop")
    secrets.call("Grant", grant, done, token)
    ada = secrets.log_in("ada", ADA)
    assert ada is not None
    assert secrets.log_in("ada", WRONG) is None
    assert secrets.log_in("nobody", WRONG) is None
    # Secrets in the places of others, and calls that are not allowed.
    secrets.call("Refresh", rpc.RefreshRequest(refresh_token=ada.access_token), rpc.Tokens)
    secrets.call("ListUsers", rpc.ListRequest(), rpc.Users, ada.refresh_token)
    secrets.call("ListUsers", rpc.ListRequest(), rpc.Users, WRONG)
    secrets.call("ListUsers", rpc.ListRequest(), rpc.Users, ada.access_token)
    secrets.call("SetPassword", rpc.UserRequest(user="x", password=WRONG), done, ada.access_token)
    change = rpc.ChangePasswordRequest(old_password=WRONG, new_password=LATER)
    secrets.call("ChangePassword", change, done, ada.access_token)
    change.old_password = ADA
    assert secrets.call("ChangePassword", change, done, ada.access_token) is not None
    again = secrets.log_in("ada", LATER)
    secrets.call("Refresh", rpc.RefreshRequest(refresh_token=again.refresh_token), rpc.Tokens)
    secrets.call("Refresh", rpc.RefreshRequest(refresh_token=again.refresh_token), rpc.Tokens)
    secrets.call("LogOut", rpc.Token(token=root.access_token), done)
    garbage: Any = secrets.channel.unary_unary("/scalar_tx.v1.Security/LogIn")
    with pytest.raises(grpc.RpcError) as caught:
        garbage(b"\xff" + ADA.encode(), timeout=20)
    secrets.seen.append(repr(caught.value))


def _by_a_program(secrets: Secrets) -> None:
    secured = secrets.secured
    root = {**secured.log_in, **secured.trust}
    with scalar_tx.connect(secured.url, **root) as db:
        db.admin.create_table(
            TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"], if_not_exists=True
        )
    how = {"username": "ada", "password": LATER, **secured.trust}
    with scalar_tx.connect(secured.url, **how) as db:
        db.upsert(TABLE, {"id": 1, "n": 1})
        secrets.fails(lambda: db.delete(TABLE, {"id": 1}))
        secrets.fails(lambda: db.get("shop.missing", {"id": 1}))
        assert db.settle("nobody's transaction").value == "ABORTED"
        assert db.state("nobody's transaction").value == "ABORTED"
        secrets.admin.pause()
        tx = db.begin()
        secrets.fails(lambda: tx.get(TABLE, {"id": 1}))
        secrets.admin.unpause()
        before = secured.node.workers()
        os.kill(before[0], signal.SIGABRT)
        until(
            lambda: len(secured.node.workers()) == 2 and secured.node.workers() != before,
            "a worker has died and another one serves",
        )
        assert db.get(TABLE, {"id": 1}) is not None
        secrets.seen.append(f"{db!r} {db.settings!r} {vars(db)!r} {db._parts!r}")
    with scalar_tx.connect(secured.url, **{**how, "password": WRONG}) as db:
        secrets.fails(lambda: db.get(TABLE, {"id": 1}))


def _by_a_browser(secrets: Secrets) -> None:
    first = secrets.secured.first
    browser = Browser(secrets.secured.node.told["http_port"])
    assert browser.log_in(first["user"], WRONG).status == 401
    assert browser.log_in(first["user"], first["password"]).status == 200
    secrets.found["a browser's session"] = next(iter(browser.cookies.values()))
    for path in ("session", "overview", "tables", "storages", f"stuck?table={TABLE}"):
        answer = browser.get(path)
        assert answer.status == 200
        secrets.seen.append(answer.text)
    secrets.seen.append(browser.post("settle", {"table": TABLE, "key": "no key"}).text)


def _looks_at_all(secured: Secured, log_format: str) -> bool:
    """The log tells of all that was done, and at DEBUG."""
    log = secured.node.log
    assert "DEBUG" in log
    for event in (
        "log-in",
        "refresh",
        "token",
        "use",
        "create-user",
        "password",
        "grant",
        "settle",
    ):
        assert f"event={event} " in log, event
    for event in ("pause", "resume"):
        assert re.search(rf'event={event} .* result=done peer=\\?"ipv4:', log), event
    if log_format == "json":
        assert all(json.loads(line)["time"] for line in log.splitlines() if line.startswith("{"))
    return bool(re.search("result=refused", log))
