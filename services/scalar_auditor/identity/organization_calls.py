"""How are the methods about organisations answered?"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from scalar_auditor import fields
from scalar_auditor.errors import InvalidArgumentError
from scalar_auditor.identity import organizations, permitted
from scalar_auditor.identity.model import Organization
from scalar_auditor.rpc.v1 import identity_pb2
from scalar_auditor.serving import PEOPLE, Method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller


class OrganizationCalls:
    """The methods about organisations; all are an AUDIT_ADMIN's."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor

    def methods(self) -> Mapping[str, Method]:
        """By name."""
        return {
            "CreateOrganization": Method(self.create, PEOPLE),
            "UpdateOrganization": Method(self.update, PEOPLE),
            "ListOrganizations": Method(self.list, PEOPLE),
        }

    async def create(self, request: Any, caller: Caller) -> Any:
        """Make one. Sent again with the same id and values, it is the one there."""
        permitted.insist_on_admin(caller)
        now_ms = self._auditor.now_ms()
        wanted = Organization(
            org_id=fields.optional_identifier("org_id", request.org_id) or uuid.uuid4().hex,
            enterprise_id=fields.optional_identifier("enterprise_id", request.enterprise_id),
            name=fields.line("name", request.name),
            admin_email=_optional_email("admin_email", request.admin_email),
            active=True,
            created_at=now_ms,
            updated_at=now_ms,
        )
        return _organization(await self._auditor.change(caller, organizations.create, wanted))

    async def update(self, request: Any, caller: Caller) -> Any:
        """Change what is given."""
        org_id = fields.identifier("org_id", request.org_id)
        values = _changes(request)
        permitted.insist_on_admin_over_organization(caller, org_id)
        found = await self._auditor.change(
            caller, organizations.change, org_id, values, self._auditor.now_ms()
        )
        return _organization(found)

    async def list(self, request: Any, caller: Caller) -> Any:
        """All of them, in no order."""
        permitted.insist_on_admin(caller)
        page = self._auditor.pages.asked(request.page, "ListOrganizations")
        some, behind = await self._auditor.listed(caller, organizations.page, page.size, page.after)
        answer = identity_pb2.Organizations(organizations=map(_organization, some))
        if behind is not None:
            answer.next_page_token = self._auditor.pages.token(behind, "ListOrganizations")
        return answer


def _changes(request: Any) -> dict[str, str | bool]:
    """What is to be changed, by the names of fields."""
    values: dict[str, str | bool] = {}
    if request.HasField("enterprise_id"):
        given = request.enterprise_id
        values["enterprise_id"] = fields.optional_identifier("enterprise_id", given)
    if request.HasField("name"):
        values["name"] = fields.line("name", request.name)
    if request.HasField("admin_email"):
        values["admin_email"] = _optional_email("admin_email", request.admin_email)
    if request.HasField("active"):
        values["active"] = request.active
    if not values:
        raise InvalidArgumentError("name", "nothing is given to be changed")
    return values


def _optional_email(field: str, text: str) -> str:
    return fields.email(field, text) if text else ""


def _organization(one: Organization) -> Any:
    return identity_pb2.Organization(
        org_id=one.org_id,
        enterprise_id=one.enterprise_id,
        name=one.name,
        admin_email=one.admin_email,
        active=one.active,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )
