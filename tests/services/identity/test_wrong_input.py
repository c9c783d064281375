"""Is what can't be right refused by the name of its field, and is nothing changed by it?

Every field of every request has its wrong values here; one that is missing fails.
"""

from __future__ import annotations

from typing import Any

import pytest

from scalar_auditor.permissions import Role
from scalar_auditor.rpc.v1 import identity_pb2
from tests.services.identity.world import ADA, ADMIN, OTHER, PASSWORD, World, refusal
from tests.services.stage import METHODS

NO_EMAIL = [
    "",
    "ada",
    "@",
    "a@b@c",
    "a b@c.d",
    "ada@example.org\n",
    "a\x00@b.c",
    "x" * 250 + "@a.b",
]
NO_ID = ["", "a b", "a\nb", "x" * 129, "a\x00", "a\u200b"]
NO_ID_IF_ANY = [one for one in NO_ID if one]
NO_NAME = ["", "  ", "a\nb", "x" * 256, "a\x00"]
NO_LINE = ["a\nb", "x" * 256, "a\x00"]
NO_PASSWORD = ["", "x" * 1025]
NO_NEW_PASSWORD = ["", "too short", "x" * 1025]
NO_PAGE: list[Any] = [{"page_size": -1}, {"page_size": 1001}, {"page_token": "x"}]
NO_SERVICE = ["", "a b", "a@b", "service:x", "x" * 65, "-a", "ä"]
RIGHT: list[Any] = []  # a field that can't be wrong

# By method: a request that is right, and the wrong values of each of its fields.
WRONG: dict[str, tuple[dict[str, Any], dict[str, list[Any]]]] = {
    "RegisterUser": (
        {"user_email": "new@example.org", "name": "New", "password": PASSWORD},
        {
            "user_email": NO_EMAIL,
            "name": NO_NAME,
            "password": NO_NEW_PASSWORD,
            "user_type": ["internal", "x"],
            "language": ["a\nb", "x" * 36],
            "org_id": NO_ID_IF_ANY,
            "roles": [["x"], ["AUDIT_ADMIN", ""], ["GENERAL_USER"] * 4],
        },
    ),
    "Login": (
        {"user_email": ADA, "password": PASSWORD},
        {"user_email": NO_EMAIL, "password": NO_PASSWORD},
    ),
    "Refresh": ({}, {"refresh_token": ["", "x" * 1025]}),
    "Logout": ({}, {"everywhere": RIGHT}),
    "RequestPasswordReset": ({}, {"user_email": NO_EMAIL}),
    "ResetPassword": (
        {"user_email": ADA, "code": "12345678", "new_password": OTHER},
        {
            "user_email": NO_EMAIL,
            "code": ["", "1234567", "123456789", "1234567a", "1234567\u0661"],
            "new_password": NO_NEW_PASSWORD,
        },
    ),
    "ChangePassword": (
        {"old_password": PASSWORD, "new_password": OTHER},
        {"old_password": NO_PASSWORD, "new_password": NO_NEW_PASSWORD},
    ),
    "GetUser": ({}, {"user_email": NO_EMAIL}),
    "ListUsers": ({"org_id": "org"}, {"org_id": NO_ID, "page": NO_PAGE}),
    "UpdateUser": (
        {"user_email": ADA, "name": "New"},
        {
            "user_email": NO_EMAIL,
            "name": NO_NAME,
            "language": ["a\nb", "x" * 36],
            "status": ["", "DELETING", "active"],
            "user_type": ["", "x"],
            "org_id": NO_ID_IF_ANY,
        },
    ),
    "DeleteUser": ({}, {"user_email": NO_EMAIL}),
    "AssignRole": (
        {"user_email": ADA, "role": "GENERAL_USER"},
        {"user_email": NO_EMAIL, "role": ["", "OWNER", "audit_admin"]},
    ),
    "RevokeRole": (
        {"user_email": ADA, "role": "GENERAL_USER"},
        {"user_email": NO_EMAIL, "role": ["", "OWNER", "audit_admin"]},
    ),
    "CreateOrganization": (
        {"name": "New"},
        {
            "org_id": NO_ID_IF_ANY,
            "enterprise_id": NO_ID_IF_ANY,
            "name": NO_NAME,
            "admin_email": [one for one in NO_EMAIL if one],
        },
    ),
    "UpdateOrganization": (
        {"org_id": "org", "name": "New"},
        {
            "org_id": NO_ID,
            "enterprise_id": NO_ID_IF_ANY,
            "name": NO_NAME,
            "admin_email": [one for one in NO_EMAIL if one],
            "active": RIGHT,
        },
    ),
    "ListOrganizations": ({}, {"page": NO_PAGE}),
    "CreateServiceToken": (
        {"name": "importer"},
        {"name": NO_SERVICE, "lifetime_seconds": [-1, 366 * 86_400 + 1, -(2**63), 2**63 - 1]},
    ),
    "RevokeServiceToken": ({"name": "importer"}, {"name": NO_SERVICE, "token_id": NO_ID_IF_ANY}),
}
SERVICE = identity_pb2.DESCRIPTOR.services_by_name["IdentityService"]


@pytest.mark.parametrize("method", [one.name for one in SERVICE.methods])
def test_each_field_of_each_request_is_here(method: str) -> None:
    named = {one.name for one in METHODS[method].input_type.fields}
    assert set(WRONG[method][1]) == named


@pytest.fixture(scope="module")
def world() -> Any:
    with World(claims=True) as found:
        found.register(ADMIN, "AUDIT_ADMIN")
        found.register(ADA)
        yield found


@pytest.mark.parametrize("method", WRONG)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(world: World, method: str) -> None:
    right, wrong = WRONG[method]
    admin = world.stage.as_person(ADMIN, Role.AUDIT_ADMIN)
    before = world.contents()
    hashes = world.identity.hashing.hashes
    for name, values in wrong.items():
        for value in values:
            refused = refusal(lambda: getattr(admin, method)(**{**right, name: value}))  # noqa: B023
            found = (refused.code, refused.reason, refused.field.split("[")[0].split(".")[0])
            assert found == ("INVALID_ARGUMENT", "INVALID_FIELD", name), value
            shown = str(value)
            assert len(shown) < 4 or shown not in str(refused), value
    world.settled()
    assert world.contents() == before
    assert world.mailbox.codes == []
    assert world.identity.hashing.hashes == hashes  # none was spent


@pytest.mark.parametrize("method", ["UpdateUser", "UpdateOrganization"])
def test_a_change_of_nothing_is_refused(world: World, method: str) -> None:
    admin = world.stage.as_person(ADMIN, Role.AUDIT_ADMIN)
    key = {"user_email": ADA} if method == "UpdateUser" else {"org_id": "org"}
    assert refusal(lambda: getattr(admin, method)(**key)).code == "INVALID_ARGUMENT"
