"""How do organisations begin, change, and get listed?"""

from __future__ import annotations

import threading

from tests.services.identity.world import ADA, BOB, World, refusal


def test_an_organisation_is_made_once(world: World) -> None:
    world.register(ADA)
    values = {"org_id": "o", "enterprise_id": "e", "name": "One", "admin_email": ADA}
    made = world.admin.CreateOrganization(**values)
    assert (made.org_id, made.enterprise_id, made.name, made.admin_email) == ("o", "e", "One", ADA)
    assert made.active
    assert made.created_at == made.updated_at == world.clock.now_ms()
    world.later(1)
    assert world.admin.CreateOrganization(**values) == made
    refused = refusal(lambda: world.admin.CreateOrganization(**{**values, "name": "Two"}))
    assert (refused.code, refused.reason) == ("ALREADY_EXISTS", "ORGANIZATION_EXISTS")
    assert refused.metadata["org_id"] == "o"


def test_without_an_id_each_is_another(world: World) -> None:
    ids = {world.admin.CreateOrganization(name="One").org_id for _ in range(2)}
    assert len(ids) == 2
    assert all(ids)


def test_one_id_asked_for_by_two_at_once_is_one_organisation(world: World) -> None:
    admin = world.admin
    ends: list[str] = []

    def create(name: str) -> None:
        try:
            ends.append(admin.CreateOrganization(org_id="o", name=name).name)
        except Exception as error:  # noqa: BLE001  # the other one was first
            ends.append(str(error)[:14])

    threads = [threading.Thread(target=create, args=(f"n{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    there = [row["name"] for row in world.stage.rows("identity.organization")]
    assert len(there) == 1
    assert sorted(ends) == ["ALREADY_EXISTS", "ALREADY_EXISTS", *there]


def test_what_is_given_is_changed(world: World) -> None:
    world.register(ADA)
    world.admin.CreateOrganization(org_id="o", enterprise_id="e", name="One", admin_email=ADA)
    world.later(1)
    changed = world.admin.UpdateOrganization(org_id="o", name="Two", active=False)
    assert (changed.name, changed.enterprise_id, changed.admin_email) == ("Two", "e", ADA)
    assert not changed.active
    assert changed.updated_at == world.clock.now_ms()
    world.later(1)
    assert world.admin.UpdateOrganization(org_id="o", name="Two", active=False) == changed
    assert world.admin.UpdateOrganization(org_id="o", admin_email="").admin_email == ""
    refused = refusal(lambda: world.admin.UpdateOrganization(org_id="x", name="Two"))
    assert (refused.code, refused.reason) == ("NOT_FOUND", "ORGANIZATION_NOT_FOUND")


def test_its_admin_has_to_be_there(world: World) -> None:
    for call in (
        lambda: world.admin.CreateOrganization(name="One", admin_email=BOB),
        lambda: world.admin.UpdateOrganization(org_id="o", admin_email=BOB),
    ):
        world.admin.CreateOrganization(org_id="o", name="O")
        assert refusal(call).reason == "USER_NOT_FOUND"


def test_one_whose_admin_is_disabled_since_is_changed_all_the_same(world: World) -> None:
    world.register(ADA)
    world.admin.CreateOrganization(org_id="o", name="One", admin_email=ADA)
    world.admin.UpdateUser(user_email=ADA, status="DISABLED")
    changed = world.admin.UpdateOrganization(org_id="o", name="Two", admin_email=ADA)
    assert (changed.name, changed.admin_email) == ("Two", ADA)
    world.admin.UpdateOrganization(org_id="o", admin_email="")
    refused = refusal(lambda: world.admin.UpdateOrganization(org_id="o", admin_email=ADA))
    assert refused.reason == "USER_NOT_FOUND"


def test_all_are_listed_page_by_page(world: World) -> None:
    wanted = {f"o{n}" for n in range(7)}
    for org_id in wanted:
        world.admin.CreateOrganization(org_id=org_id, name="One")
    found: list[str] = []
    token, pages = "", 0
    while True:
        page = world.admin.ListOrganizations(page={"page_size": 3, "page_token": token})
        found += [one.org_id for one in page.organizations]
        pages += 1
        token = page.next_page_token
        if not token:
            break
    assert sorted(found) == sorted(wanted)
    assert pages == 3
