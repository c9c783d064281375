"""How does an account begin, who sees and changes it, and do its two tables agree?"""

from __future__ import annotations

from typing import Any

from tests.services.identity.world import ADA, ADMIN, BOB, OTHER, PASSWORD, World, refusal

EVE = "eve@example.org"


def organization(world: World, org_id: str = "org", **more: Any) -> str:
    world.admin.CreateOrganization(org_id=org_id, name="An organisation", **more)
    return org_id


def register(world: World, email: str = ADA, **more: Any) -> Any:
    fields = {"name": "Ada", "password": PASSWORD, **more}
    return world.admin.RegisterUser(user_email=email, **fields)


def listed(world: World, org_id: str = "org") -> list[tuple[str, str, str]]:
    found = world.admin.ListUsers(org_id=org_id).users
    return [(one.user_email, one.name, one.status) for one in found]


def test_who_is_registered_may_log_in(world: World) -> None:
    organization(world)
    made = register(world, ADA.upper(), org_id="org", language="en", roles=["AUDIT_ADMIN"])
    now = world.clock.now_ms()
    assert (made.user_email, made.name, made.language, made.org_id) == (ADA, "Ada", "en", "org")
    assert (made.status, made.user_type, list(made.roles)) == (
        "ACTIVE",
        "INTERNAL",
        ["AUDIT_ADMIN"],
    )
    assert (made.created_at, made.updated_at, made.locked_until) == (now, now, 0)
    assert world.log_in(ADA).GetUser(user_email=ADA) == made
    assert listed(world) == [(ADA, "Ada", "ACTIVE")]
    role = world.stage.get("identity.role_user", role_name="AUDIT_ADMIN", user_email=ADA)
    assert role is not None
    admin = world.admin.GetUser(user_email=ADMIN)
    assert (role["user_id"], role["assigned_by"]) == (made.user_id, admin.user_id)


def test_without_a_role_one_has_that_of_ones_type(world: World) -> None:
    assert list(register(world).roles) == ["GENERAL_USER"]
    assert list(register(world, BOB, user_type="EXTERNAL").roles) == ["EXTERNAL_AUDITOR"]
    assert list(register(world, EVE, roles=["EXTERNAL_AUDITOR"] * 2).roles) == ["EXTERNAL_AUDITOR"]


def test_registered_again_with_the_same_values_it_is_the_same(world: World) -> None:
    first = register(world)
    world.later(61)
    before = world.contents()
    assert register(world) == first
    assert world.contents() == before


def test_another_one_of_the_same_address_is_refused(world: World) -> None:
    register(world)
    before = world.contents()
    others: list[dict[str, Any]] = [
        {"name": "Ida"},
        {"password": OTHER},
        {"roles": ["AUDIT_ADMIN"]},
        {"user_type": "EXTERNAL"},
        {"language": "de"},
    ]
    for other in others:
        refused = refusal(lambda other=other: register(world, **other))  # type: ignore[misc]
        assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "USER_EXISTS")
    assert world.contents() == before


def test_an_organisation_has_to_be_there_and_active(world: World) -> None:
    register(world, BOB)
    before = world.contents()
    assert refusal(lambda: register(world, org_id="org")).reason == "ORGANIZATION_NOT_FOUND"
    assert world.contents() == before
    organization(world)
    world.admin.UpdateOrganization(org_id="org", active=False)
    refused = refusal(lambda: register(world, org_id="org"))
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "ORGANIZATION_NOT_ACTIVE")


def test_one_sees_oneself_and_an_admin_everybody(world: World) -> None:
    ada = world.register(ADA)
    world.register(BOB)
    assert ada.GetUser(user_email=ADA).user_email == ADA
    assert world.admin.GetUser(user_email=ADA).user_email == ADA
    there, absent = (
        refusal(lambda email=email: ada.GetUser(user_email=email))  # type: ignore[misc]
        for email in (BOB, "nobody@example.org")
    )
    assert (
        (there.code, there.reason)
        == (absent.code, absent.reason)
        == (
            "NOT_FOUND",
            "USER_NOT_FOUND",
        )
    )
    assert str(there).replace(BOB, "x") == str(absent).replace("nobody@example.org", "x")


def test_one_changes_ones_name_and_language(world: World) -> None:
    organization(world)
    ada = world.register(ADA, org_id="org")
    world.later(1)
    changed = ada.UpdateUser(user_email=ADA, name="Ada L.", language="en")
    assert (changed.name, changed.language) == ("Ada L.", "en")
    assert changed.updated_at == world.clock.now_ms() > changed.created_at
    assert listed(world) == [(ADA, "Ada L.", "ACTIVE")]
    assert ada.UpdateUser(user_email=ADA, language="").language == ""
    for more in ({"status": "ACTIVE"}, {"user_type": "EXTERNAL"}, {"org_id": ""}):
        refused = refusal(lambda more=more: ada.UpdateUser(user_email=ADA, **more))  # type: ignore[misc]
        assert refused.code == "PERMISSION_DENIED"
    assert refusal(lambda: ada.UpdateUser(user_email=BOB, name="x")).reason == "USER_NOT_FOUND"


def test_an_admin_changes_the_rest_and_both_tables_agree(world: World) -> None:
    organization(world)
    organization(world, "other")
    world.register(ADA, org_id="org")
    world.admin.UpdateUser(user_email=ADA, org_id="other", user_type="EXTERNAL")
    assert (listed(world), listed(world, "other")) == ([], [(ADA, "Somebody", "ACTIVE")])
    world.admin.UpdateUser(user_email=ADA, status="DISABLED")
    assert listed(world, "other") == [(ADA, "Somebody", "DISABLED")]
    world.admin.UpdateUser(user_email=ADA, org_id="")
    assert listed(world, "other") == []
    assert world.stage.rows("identity.users_by_org") == []
    assert (
        refusal(lambda: world.admin.UpdateUser(user_email=ADA, org_id="none")).reason
        == "ORGANIZATION_NOT_FOUND"
    )


def test_a_change_sent_twice_is_one(world: World) -> None:
    ada = world.register(ADA)
    first = ada.UpdateUser(user_email=ADA, name="Ada L.")
    world.later(1)
    assert ada.UpdateUser(user_email=ADA, name="Ada L.") == first


def test_a_list_goes_on_where_it_ended(world: World) -> None:
    organization(world)
    emails = [f"user{n}@example.org" for n in range(5)]
    for email in reversed(emails):
        world.register(email, org_id="org")
    found, token, pages = [], "", 0
    while True:
        page = world.admin.ListUsers(org_id="org", page={"page_size": 2, "page_token": token})
        found += [one.user_email for one in page.users]
        pages += 1
        token = page.next_page_token
        if not token:
            break
    assert (found, pages) == (emails, 3)
    organization(world, "other")
    first = world.admin.ListUsers(org_id="org", page={"page_size": 2}).next_page_token
    refused = refusal(lambda: world.admin.ListUsers(org_id="other", page={"page_token": first}))
    assert (refused.code, refused.field) == ("INVALID_ARGUMENT", "page.page_token")


def test_who_is_no_admin_lists_nobody(world: World) -> None:
    organization(world)
    ada = world.register(ADA, org_id="org")
    assert refusal(lambda: ada.ListUsers(org_id="org")).reason == "ORGANIZATION_NOT_FOUND"
    assert refusal(lambda: world.admin.ListUsers(org_id="x")).reason == "ORGANIZATION_NOT_FOUND"


def test_one_who_is_leaving_is_not_registered_again(world: World) -> None:
    register(world)
    world.stage.put("identity.user", user_email=ADA, status="DELETING")
    assert refusal(lambda: register(world)).reason == "USER_EXISTS"
