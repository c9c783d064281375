"""Who may call each method, on whom? A row for each method; one without a row fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import Caller, Kind, Role
from scalar_auditor.rpc.v1 import identity_pb2
from tests.services.identity.world import OTHER, PASSWORD, World
from tests.services.stage import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EMAILS = {
    "admin": "admin@example.org",
    "general": "general@example.org",
    "auditor": "auditor@example.org",
    "other": "other@example.org",
    "disabled": "disabled@example.org",
    "leaving": "leaving@example.org",
    "absent": "absent@example.org",
}
ROLES = {
    "admin": Role.AUDIT_ADMIN,
    "general": Role.GENERAL_USER,
    "auditor": Role.EXTERNAL_AUDITOR,
}
OK = "OK"
NOT_HERE = "NOT_FOUND USER_NOT_FOUND"
NO_ORGANIZATION = "NOT_FOUND ORGANIZATION_NOT_FOUND"
DENIED = "PERMISSION_DENIED PERMISSION_DENIED"
KIND = "PERMISSION_DENIED WRONG_KIND_OF_CALLER"
LOG_IN = "UNAUTHENTICATED UNAUTHENTICATED"
BAD_LOG_IN = "UNAUTHENTICATED BAD_LOG_IN"
BAD_TOKEN = "UNAUTHENTICATED BAD_TOKEN"
BAD_CODE = "UNAUTHENTICATED BAD_CODE"
LEAVING = "FAILED_PRECONDITION USER_IS_LEAVING"

# On whom a method is called that names somebody.
SOMEBODY = ("self", "other", "disabled", "leaving", "absent")
# What people who are no admin hear of what only an admin may do to a person.
HIDDEN = {
    "self": DENIED,
    "other": NOT_HERE,
    "disabled": NOT_HERE,
    "leaving": NOT_HERE,
    "absent": NOT_HERE,
}


@dataclass(frozen=True)
class Row:
    """``request`` of a person's e-mail; ``people`` and ``admin`` by on whom it is called.

    ``everybody``: the method is for callers of any kind, and this is what they hear.
    """

    request: Callable[[str], dict[str, Any]]
    admin: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    everybody: Mapping[str, str] | None = None

    def expected(self, caller: str) -> Mapping[str, str]:
        if self.everybody is not None:
            return self.everybody
        if caller in ("nobody", "service"):
            heard = LOG_IN if caller == "nobody" else KIND
            return dict.fromkeys(self.admin, heard)
        return self.admin if caller == "admin" else self.people


def email(of: str) -> dict[str, Any]:
    return {"user_email": of}


def on_all(outcome: str, **others: str) -> dict[str, str]:
    return {**dict.fromkeys(SOMEBODY, outcome), **others}


def for_admins(request: dict[str, Any], denied: str = DENIED) -> Row:
    """A method that names nobody."""
    return Row(lambda _: request, {"-": OK}, {"-": denied})


ROWS: dict[str, Row] = {
    "Login": Row(
        lambda of: {"user_email": of, "password": PASSWORD},
        everybody=on_all(BAD_LOG_IN, self=OK, other=OK),
    ),
    "Refresh": Row(lambda _: {"refresh_token": "x"}, everybody={"-": BAD_TOKEN}),
    "Logout": Row(lambda _: {"everywhere": True}, {"-": OK}, {"-": OK}),
    "RequestPasswordReset": Row(email, everybody=on_all(OK)),
    "ResetPassword": Row(
        lambda of: {"user_email": of, "code": "00000000", "new_password": OTHER},
        everybody=on_all(BAD_CODE),
    ),
    "ChangePassword": Row(
        lambda _: {"old_password": PASSWORD, "new_password": OTHER}, {"-": OK}, {"-": OK}
    ),
    "RegisterUser": for_admins(
        {"user_email": "new@example.org", "name": "New", "password": PASSWORD}
    ),
    "GetUser": Row(email, on_all(OK, absent=NOT_HERE), on_all(NOT_HERE, self=OK)),
    "ListUsers": for_admins({"org_id": "org"}, NO_ORGANIZATION),
    "UpdateUser": Row(
        lambda of: {"user_email": of, "name": "New"},
        on_all(OK, leaving=LEAVING, absent=NOT_HERE),
        on_all(NOT_HERE, self=OK),
    ),
    "DeleteUser": Row(email, on_all(OK, absent=NOT_HERE), HIDDEN),
    "AssignRole": Row(
        lambda of: {"user_email": of, "role": "GENERAL_USER"},
        on_all(OK, leaving=LEAVING, absent=NOT_HERE),
        HIDDEN,
    ),
    "RevokeRole": Row(
        lambda of: {"user_email": of, "role": "GENERAL_USER"},
        on_all(OK, absent=NOT_HERE),
        HIDDEN,
    ),
    "CreateOrganization": for_admins({"name": "New"}),
    "UpdateOrganization": for_admins({"org_id": "org", "name": "New"}, NO_ORGANIZATION),
    "ListOrganizations": for_admins({}),
    "CreateServiceToken": for_admins({"name": "importer"}),
    "RevokeServiceToken": for_admins({"name": "importer"}),
}
METHODS = [one.name for one in identity_pb2.DESCRIPTOR.services_by_name["IdentityService"].methods]


def test_each_method_has_a_row() -> None:
    assert sorted(METHODS) == sorted(ROWS)


@pytest.mark.parametrize("method", METHODS)
def test_who_may_call(method: str) -> None:
    row = ROWS[method]
    with World(claims=True) as world:
        calls = {
            "nobody": world.nobody,
            "service": world.stage.as_service(),
            **{
                name: world.stage.as_caller(
                    Caller(Kind.PERSON, EMAILS[name], f"id of {name}", roles=frozenset({role}))
                )
                for name, role in ROLES.items()
            },
        }
        expected, heard, changed, before = {}, {}, True, {}
        for caller, of_caller in calls.items():
            # Where it does not matter who calls, two of them are enough.
            if row.everybody is not None and caller not in ("nobody", "admin"):
                continue
            for target, outcome in row.expected(caller).items():
                if target == "self" and caller not in EMAILS:
                    continue
                world.later(100)
                if changed:
                    everybody_is_there(world)
                    before = world.contents()
                whom = EMAILS.get(caller if target == "self" else target, "")
                expected[caller, target] = outcome
                heard[caller, target] = heard_of(of_caller, method, row.request(whom))
                changed = world.contents() != before
                assert not changed or outcome in (OK, BAD_LOG_IN), (caller, target)
        assert heard == expected


def heard_of(calls: Any, method: str, request: dict[str, Any]) -> str:
    try:
        getattr(calls, method)(**request)
    except Refused as refused:
        return f"{refused.code} {refused.reason}"
    return OK


def everybody_is_there(world: World) -> None:
    """As at the beginning, and a second admin, so that anybody may leave."""
    for table in ("user", "role_user", "user_token"):
        for row in world.stage.rows(f"identity.{table}"):
            keys = {"user_email", "token_id", "role_name"} & row.keys()
            if table == "user":
                keys = {"user_email"}
            key = {name: row[name] for name in keys}
            world.stage.run(world.stage.manager.delete(f"identity.{table}", key))
    if world.stage.get("identity.organization", org_id="org") is None:
        world.stage.put("identity.organization", org_id="org", **ORGANIZATION)
    for name in (*ROLES, "other", "disabled", "leaving"):
        world.register(EMAILS[name], ROLES.get(name, Role.GENERAL_USER))
    world.register("second@example.org", Role.AUDIT_ADMIN)
    for name in ("disabled", "leaving"):
        status = "DISABLED" if name == "disabled" else "DELETING"
        world.stage.put("identity.user", user_email=EMAILS[name], status=status)


ORGANIZATION: dict[str, Any] = {
    "enterprise_id": "",
    "name": "One",
    "admin_email": "",
    "active": True,
    "created_at": 1,
    "updated_at": 1,
}
