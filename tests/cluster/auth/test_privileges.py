"""What do grants allow? Beside a model that knows nothing but a list of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalar_tx
from scalar_tx import Delete, Get, Insert, InvalidOperationError, Put, Scan, Update, Upsert
from scalar_tx.cluster.auth.permissions import (
    Principal,
    check_grant,
    check_namespace,
    check_operation,
    check_superuser,
    check_table,
    needed,
)
from scalar_tx.cluster.auth.privileges import (
    ALL,
    Grant,
    Privilege,
    Rights,
    checked_place,
    closed_namespaces,
    rights,
)
from scalar_tx.cluster.auth.refusals import NotPermittedError
from scalar_tx.settings import load

CLOSED = frozenset({"coordinator", "scalardb", "scalar_tx"})
NAMESPACES = ["shop", "shop2", "Shop", "coordinator", "scalar_tx", "SCALARDB"]
TABLES = ["orders", "shop", "state"]
PLACES = NAMESPACES + [f"{ns}.{table}" for ns in NAMESPACES for table in TABLES]
KEY = {"id": 1}
WHERE = scalar_tx.column("n") == 1

places = st.sampled_from(PLACES)
privileges = st.sampled_from(list(Privilege))
grants = st.lists(
    st.builds(Grant, st.just("user:ada"), st.frozensets(privileges, min_size=1), places), max_size=6
)


def modelled(granted: list[Grant], superuser: bool, privilege: Privilege, place: str) -> bool:
    namespace = place.split(".", maxsplit=1)[0]
    if namespace.lower() in CLOSED:
        return False
    if superuser:
        return True
    return any(
        privilege in grant.privileges and grant.place in (place, namespace) for grant in granted
    )


@given(grants, st.booleans(), privileges, places)
def test_rights_beside_the_model(
    granted: list[Grant], superuser: bool, privilege: Privilege, place: str
) -> None:
    held = rights(granted, superuser=superuser, closed=CLOSED)
    expected = modelled(granted, superuser, privilege, place)
    writes = (Privilege.INSERT, Privilege.UPDATE, Privilege.DELETE)
    assert held.writes is any(
        modelled(granted, superuser, one, where) for one in writes for where in PLACES
    )
    if "." in place:
        assert held.allows(privilege, place) is expected
        assert held.sees(place) is any(
            modelled(granted, superuser, one, place) for one in Privilege
        )
    else:
        assert held.allows_namespace(privilege, place) is expected
        open_here = place.lower() not in CLOSED
        assert held.sees_namespace(place) is (
            open_here
            and (superuser or any(grant.place.split(".")[0] == place for grant in granted))
        )


def test_nothing_is_allowed_to_begin_with() -> None:
    for privilege in Privilege:
        assert not Rights().allows(privilege, "shop.orders")
        assert not Rights().allows_namespace(privilege, "shop")
    assert not Rights().sees("shop.orders")
    assert len(ALL) == 9


@pytest.mark.parametrize(
    "name", ["coordinator", "Coordinator", "scalardb", "scalar_tx", "SCALAR_TX"]
)
def test_closed_to_superusers_too(name: str) -> None:
    held = rights((), superuser=True, closed=closed_namespaces(load("memory://")))
    assert held.allows(Privilege.SELECT, "shop.orders")
    for privilege in Privilege:
        assert not held.allows(privilege, f"{name}.state")
        assert not held.allows_namespace(privilege, name)
    assert not held.sees_namespace(name)


def test_which_namespaces_are_closed() -> None:
    settings = load(
        "memory://",
        {
            "consensus_commit_coordinator_namespace": "Decisions",
            "system_namespace_name": "meta",
        },
    )
    assert closed_namespaces(settings, "identity") == {
        "decisions",
        "meta",
        "scalar_tx",
        "identity",
    }


@pytest.mark.parametrize(
    "operation,names",
    [
        (Get("a.b", KEY), "SELECT"),
        (Scan("a.b", KEY), "SELECT"),
        (Insert("a.b", KEY), "INSERT"),
        (Upsert("a.b", KEY), "INSERT UPDATE"),
        (Put("a.b", KEY), "INSERT UPDATE"),
        (Put("a.b", KEY, implicit_pre_read=True), "INSERT UPDATE"),
        (Put("a.b", KEY, where=scalar_tx.if_not_exists), "INSERT SELECT UPDATE"),
        (Update("a.b", KEY, {}), "SELECT UPDATE"),
        (Update("a.b", KEY, {}, missing="ignore"), "UPDATE"),
        (Update("a.b", KEY, {}, missing="ignore", where=WHERE), "SELECT UPDATE"),
        (Delete("a.b", KEY), "DELETE"),
        (Delete("a.b", KEY, where=scalar_tx.if_exists), "DELETE SELECT"),
    ],
    ids=str,
)
def test_what_an_operation_needs(operation: Any, names: str) -> None:
    wanted = {Privilege(name) for name in names.split()}
    assert needed(operation) == wanted
    for one in wanted:  # each of them is needed, and all of them are enough
        with pytest.raises(NotPermittedError, match=f"you may not {one.value} on a.b") as caught:
            check_operation(somebody(*(wanted - {one})), operation)
        assert (caught.value.code, caught.value.retryable) == ("STX-5202", False)
    check_operation(somebody(*wanted), operation)


def somebody(*held: Privilege, place: str = "a.b", superuser: bool = False) -> Principal:
    granted = [Grant("user:ada", frozenset(held), place)]
    return Principal(
        "ada",
        superuser=superuser,
        rights=rights(granted, superuser=superuser, closed=CLOSED),
    )


def test_a_refusal_does_not_tell_what_is_there() -> None:
    texts = set()
    for table in ("a.there", "a.not_there"):
        with pytest.raises(NotPermittedError) as caught:
            check_table(somebody(), Privilege.SELECT, table)
        texts.add(str(caught.value).replace(table, "…"))
    assert len(texts) == 1
    with pytest.raises(NotPermittedError) as caught:
        check_table(somebody(), Privilege.SELECT, "a." + "b" * 10_000)
    assert len(str(caught.value)) < 500


def test_who_may_grant() -> None:
    both = somebody(Privilege.GRANT, Privilege.SELECT)
    check_grant(both, [Privilege.SELECT], "a.b")
    check_grant(both, [Privilege.GRANT], "a.b")
    check_grant(somebody(*ALL, place="a"), ALL, "a.c")
    check_grant(somebody(*ALL, place="a"), ALL, "a")
    check_grant(somebody(superuser=True), ALL, "a")
    for who, what, where in (
        (both, Privilege.INSERT, "a.b"),  # not held
        (somebody(Privilege.SELECT), Privilege.SELECT, "a.b"),  # held, not to be handed on
        (both, Privilege.SELECT, "a"),  # more than held
        (both, Privilege.SELECT, "a.c"),
        (somebody(superuser=True), Privilege.SELECT, "coordinator"),
    ):
        with pytest.raises(NotPermittedError):
            check_grant(who, [what], where)


def test_what_is_for_superusers() -> None:
    check_superuser(somebody(superuser=True), "create a user")
    with pytest.raises(NotPermittedError, match="you may not create a user"):
        check_superuser(somebody(*ALL, place="a"), "create a user")
    check_namespace(somebody(*ALL, place="a"), Privilege.CREATE, "a")
    with pytest.raises(NotPermittedError, match="you may not CREATE on a"):
        check_namespace(somebody(*ALL), Privilege.CREATE, "a")


@pytest.mark.parametrize("place", ["", ".", "a.", ".b", "a.b.c", None, 1])
def test_what_is_no_place(place: object) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        checked_place(place, CLOSED)
    assert caught.value.code == "STX-5214"


def test_the_nodes_own_is_no_place_either() -> None:
    for place in ("coordinator", "Scalar_TX.node_user"):
        with pytest.raises(InvalidOperationError, match="the node's own"):
            checked_place(place, CLOSED)
    assert checked_place("shop.orders", CLOSED) == "shop.orders"


def test_names_of_privileges() -> None:
    assert Privilege.parse(" select ") is Privilege.SELECT
    for text in ("", "ALL", None, 3):
        with pytest.raises(InvalidOperationError, match="no privilege"):
            Privilege.parse(text)
