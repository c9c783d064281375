"""What does a request do that is sent twice, because its answer was lost?

Each method has its row: what the second one hears, and which tables it may leave otherwise.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.identity.test_matrix import METHODS, heard_of
from tests.services.identity.world import ADA, OTHER, PASSWORD, World

OK = "OK"
# The request, what the second one hears, the tables that differ then.
ROWS: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "RegisterUser": ({"user_email": "new@x.org", "name": "New", "password": PASSWORD}, OK, set()),
    "Login": ({"user_email": ADA, "password": PASSWORD}, OK, {"user_token"}),  # another log-in
    "Refresh": ({}, "UNAUTHENTICATED BAD_TOKEN", {"user_token"}),  # the log-in is ended
    "Logout": ({}, "UNAUTHENTICATED BAD_TOKEN", set()),
    "RequestPasswordReset": ({"user_email": ADA}, OK, {"user_otp"}),  # another code
    "ResetPassword": ({}, "UNAUTHENTICATED BAD_CODE", set()),
    "ChangePassword": (
        {"old_password": PASSWORD, "new_password": OTHER},
        "UNAUTHENTICATED BAD_TOKEN",
        set(),
    ),
    "GetUser": ({"user_email": ADA}, OK, set()),
    "ListUsers": ({"org_id": "org"}, OK, set()),
    "UpdateUser": ({"user_email": ADA, "name": "New", "status": "DISABLED"}, OK, set()),
    "DeleteUser": ({"user_email": ADA}, "NOT_FOUND USER_NOT_FOUND", set()),
    "AssignRole": ({"user_email": ADA, "role": "AUDIT_ADMIN"}, OK, set()),
    "RevokeRole": ({"user_email": ADA, "role": "GENERAL_USER"}, OK, set()),
    "CreateOrganization": ({"org_id": "new", "name": "New"}, OK, set()),
    "UpdateOrganization": ({"org_id": "org", "name": "New", "active": False}, OK, set()),
    "ListOrganizations": ({}, OK, set()),
    "CreateServiceToken": ({"name": "importer"}, OK, {"user_token"}),  # another token
    "RevokeServiceToken": ({"name": "importer"}, OK, set()),
}


def test_each_method_has_a_row() -> None:
    assert sorted(ROWS) == sorted(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_request_that_is_sent_twice(world: World, method: str) -> None:
    request, second, differ = ROWS[method]
    world.admin.CreateOrganization(org_id="org", name="One")
    world.admin.CreateServiceToken(name="importer")
    ada = world.register(ADA, org_id="org")
    if method == "Refresh":
        request = {"refresh_token": world.tokens(ADA).refresh_token}
    if method == "ResetPassword":
        request = {"user_email": ADA, "code": world.code_for(ADA), "new_password": OTHER}
    calls = ada if method in ("Logout", "ChangePassword") else world.admin
    assert heard_of(calls, method, request) == OK
    world.settled()
    before = world.contents()
    world.later(1)
    assert heard_of(calls, method, request) == second
    world.settled()
    after = world.contents()
    assert {table for table in before if before[table] != after[table]} == differ
