"""What do names tell, and what stays with a name whose table is gone?"""

from __future__ import annotations

from typing import Any

import grpc
import pytest

import scalar_tx
from scalar_tx import InvalidOperationError
from scalar_tx.cluster.auth.tokens import new_token
from scalar_tx.cluster.rpc.v1 import administration_pb2 as administration
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as transactions
from tests.cluster.security.people import NINE, PASSWORD, SCHEMA, People, Somebody


def _change(people: People, who: Somebody, method: str, **ask: Any) -> str:
    answer = people.call(who, f"Administration.{method}", administration.Change(**ask))
    assert answer.status is grpc.StatusCode.OK, answer
    return answer.seen


def _called(people: People, name: str) -> Somebody:
    return {one.name: one for one in people.all}[name]


@pytest.mark.parametrize("method", ["ListTables", "ListStoredTables"])
def test_a_list_shows_what_may_be_seen(people: People, method: str) -> None:
    ada, bob, root = (_called(people, name) for name in ("ada", "bob", "root"))
    assert "own.t" in _change(people, ada, method, namespace="own")
    assert "own.t" in _change(people, root, method, namespace="own")
    hidden = _change(people, bob, method, namespace="own")
    assert hidden == _change(people, bob, method, namespace="missing") == ""


def test_namespaces_show_what_may_be_seen(people: People) -> None:
    found = {
        who.name: _change(people, who, "ListNamespaces")
        for who in people.all
        if who.name in ("ada", "bob", "carl", "root")
    }
    assert found == {
        "ada": 'names: "own"\n',
        "bob": 'names: "other"\n',
        "carl": 'names: "own"\n',
        "root": 'names: "other"\nnames: "own"\n',
    }


@pytest.mark.parametrize("one", sorted(NINE))
def test_somebody_with_any_privilege_sees_a_table(people: People, one: str) -> None:
    found = _change(people, _called(people, one.lower()), "DescribeTable", table="own.t")
    assert 'name: "n"' in found


def test_a_user_s_calls_are_their_own(people: People) -> None:
    """No scope that somebody makes up is that of another user."""

    async def made(name: str) -> Somebody:
        await people.users.principals.users.create(name, PASSWORD)
        pair = await people.users.authenticator.log_in(name, PASSWORD)
        return Somebody(name, pair.access)

    def looked(who: Somebody, scope: str, *, remembers: bool) -> str:
        look = transactions.Look(scope=scope, key="order 1", digest=b"1", what="pay")
        begin = transactions.Begin(transaction_id=people.unused_id(), fresh_id=True)
        requests = [transactions.Request(begin=begin, look=look)]
        if remembers:
            remember = transactions.Remember(call=look, result='"the secret"')
            requests.append(transactions.Request(remember=remember))
        requests.append(transactions.Request(end=transactions.Request.COMMIT))
        answer = people.call(who, "Transactions.Transact", *requests)
        assert answer.status is grpc.StatusCode.OK, answer
        return answer.seen

    eve = people.served.run(made("eve"))
    for separator in "@.-+_:":
        victim = f"eve{separator}shop" if separator != ":" else "eve.colon"
        theirs = people.served.run(made(victim))
        looked(theirs, "pay", remembers=True)
        assert "the secret" in looked(theirs, "pay", remembers=False)
        for scope in (f"shop{separator}pay", f"shop@{separator}pay", "shop:pay", "shop@pay"):
            assert "the secret" not in looked(eve, scope, remembers=False)


@pytest.mark.parametrize("how", ["rename", "drop", "drop the namespace"])
def test_a_later_table_of_a_name_is_another_one(people: People, how: str) -> None:
    bob, root = _called(people, "bob"), _called(people, "root")
    place = "later" if how == "drop the namespace" else "later.t"

    async def prepared() -> None:
        await people.served.manager.admin.create_table("later.t", SCHEMA)
        await people.users.principals.grants.grant("user:bob", ["SELECT"], place)

    people.served.run(prepared())
    people.clock.move(5)
    assert _change(people, bob, "DescribeTable", table="later.t")
    if how == "rename":
        _change(people, root, "RenameTable", table="later.t", new_name="later.older")
        _change(people, root, "DropTable", table="later.older")
    else:
        _change(people, root, "DropTable", table="later.t")
    if how == "drop the namespace":
        _change(people, root, "DropNamespace", namespace="later")
    assert people.served.run(people.users.principals.grants.on(place)) == []

    async def made_again() -> None:
        await people.served.manager.admin.create_table("later.t", SCHEMA)

    people.served.run(made_again())
    people.clock.move(5)
    refused = people.call(
        bob, "Administration.DescribeTable", administration.Change(table="later.t")
    )
    assert refused.refused
    _change(people, root, "DropTable", table="later.t")
    _change(people, root, "DropNamespace", namespace="later", if_exists=True)


def test_a_node_without_users_says_so() -> None:
    from tests.cluster.served import Served

    served = Served("memory://")
    try:
        with scalar_tx.connect(served.url, username="ada", password=new_token()) as db:
            db.admin.create_coordinator_tables(if_not_exists=True)
            with pytest.raises(InvalidOperationError) as caught:
                db.get("scalar_tx.user", {"realm": "user", "name": "admin"})
        assert caught.value.code == "STX-5202"
    finally:
        served.close()
