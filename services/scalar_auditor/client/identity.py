"""What can a client ask of the identity service? (proto/scalar_auditor/v1/identity.proto)

Raises as ``Connection.call`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.client.connection import Repeat
from scalar_auditor.client.new_id import new_id
from scalar_auditor.client.pages import entries
from scalar_auditor.rpc.v1 import common_pb2, identity_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scalar_auditor.client.connection import Connection


class IdentityCalls:
    """People, roles, organisations and tokens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register_user(
        self,
        *,
        user_email: str,
        name: str,
        password: str,
        user_type: str = "INTERNAL",
        language: str = "en",
        org_id: str = "",
        roles: Iterable[str] = (),
    ) -> identity_pb2.User:
        """Make an account."""
        request = identity_pb2.RegisterUserRequest(
            user_email=user_email,
            name=name,
            password=password,
            user_type=user_type,
            language=language,
            org_id=org_id,
            roles=roles,
        )
        return self._connection.call(
            "IdentityService.RegisterUser", request, identity_pb2.User, Repeat.ONCE
        )

    def log_in(self, *, user_email: str, password: str) -> identity_pb2.Tokens:
        """Tokens for a password. A client that was given the password logs in by itself."""
        request = identity_pb2.LoginRequest(user_email=user_email, password=password)
        return self._connection.without_token(
            "IdentityService.Login", request, identity_pb2.Tokens, Repeat.SAME
        )

    def refresh(self, *, refresh_token: str) -> identity_pb2.Tokens:
        """New tokens for a refresh token, which is good for one use."""
        request = identity_pb2.RefreshRequest(refresh_token=refresh_token)
        return self._connection.without_token(
            "IdentityService.Refresh", request, identity_pb2.Tokens, Repeat.ONCE
        )

    def log_out(self, *, everywhere: bool = False) -> None:
        """End this log-in, or all of the caller's."""
        request = identity_pb2.LogoutRequest(everywhere=everywhere)
        self._connection.call("IdentityService.Logout", request, common_pb2.Done, Repeat.SAME)

    def request_password_reset(self, *, user_email: str) -> None:
        """Send a one-time code to somebody, if there is such an account."""
        request = identity_pb2.RequestPasswordResetRequest(user_email=user_email)
        self._connection.without_token(
            "IdentityService.RequestPasswordReset", request, common_pb2.Done, Repeat.ONCE
        )

    def reset_password(self, *, user_email: str, code: str, new_password: str) -> None:
        """Set a password by a one-time code; ends all log-ins."""
        request = identity_pb2.ResetPasswordRequest(
            user_email=user_email, code=code, new_password=new_password
        )
        self._connection.without_token(
            "IdentityService.ResetPassword", request, common_pb2.Done, Repeat.ONCE
        )

    def change_password(self, *, old_password: str, new_password: str) -> None:
        """Set one's own password."""
        request = identity_pb2.ChangePasswordRequest(
            old_password=old_password, new_password=new_password
        )
        self._connection.call(
            "IdentityService.ChangePassword", request, common_pb2.Done, Repeat.ONCE
        )

    def get_user(self, *, user_email: str) -> identity_pb2.User:
        """An account: one's own, or any for an AUDIT_ADMIN."""
        request = identity_pb2.UserRequest(user_email=user_email)
        return self._connection.call(
            "IdentityService.GetUser", request, identity_pb2.User, Repeat.READS
        )

    def list_users(
        self, *, org_id: str, page_size: int = 100
    ) -> Iterator[identity_pb2.UserSummary]:
        """The people of an organisation, by e-mail."""
        request = identity_pb2.ListUsersRequest(org_id=org_id)
        return entries(
            self._connection,
            "IdentityService.ListUsers",
            request,
            identity_pb2.Users,
            lambda page: page.users,
            page_size=page_size,
        )

    def update_user(
        self,
        *,
        user_email: str,
        name: str | None = None,
        language: str | None = None,
        status: str | None = None,
        user_type: str | None = None,
        org_id: str | None = None,
    ) -> identity_pb2.User:
        """Change an account; what is not given stays."""
        request = identity_pb2.UpdateUserRequest(
            user_email=user_email,
            name=name,
            language=language,
            status=status,
            user_type=user_type,
            org_id=org_id,
        )
        return self._connection.call(
            "IdentityService.UpdateUser", request, identity_pb2.User, Repeat.SAME
        )

    def delete_user(self, *, user_email: str) -> None:
        """Delete an account and all that names it, in as many steps as it takes."""
        request = identity_pb2.UserRequest(user_email=user_email)
        self._connection.finish("IdentityService.DeleteUser", request)

    def assign_role(self, *, user_email: str, role: str) -> identity_pb2.User:
        """Give somebody a role."""
        request = identity_pb2.RoleRequest(user_email=user_email, role=role)
        return self._connection.call(
            "IdentityService.AssignRole", request, identity_pb2.User, Repeat.SAME
        )

    def revoke_role(self, *, user_email: str, role: str) -> identity_pb2.User:
        """Take a role from somebody."""
        request = identity_pb2.RoleRequest(user_email=user_email, role=role)
        return self._connection.call(
            "IdentityService.RevokeRole", request, identity_pb2.User, Repeat.SAME
        )

    def create_organization(
        self,
        *,
        name: str,
        org_id: str | None = None,
        enterprise_id: str = "",
        admin_email: str = "",
    ) -> identity_pb2.Organization:
        """Make an organisation.

        An id that is not given is chosen here, so that the call can be sent again.
        """
        request = identity_pb2.CreateOrganizationRequest(
            org_id=org_id or new_id(),
            enterprise_id=enterprise_id,
            name=name,
            admin_email=admin_email,
        )
        return self._connection.call(
            "IdentityService.CreateOrganization", request, identity_pb2.Organization, Repeat.SAME
        )

    def update_organization(
        self,
        *,
        org_id: str,
        enterprise_id: str | None = None,
        name: str | None = None,
        admin_email: str | None = None,
        active: bool | None = None,
    ) -> identity_pb2.Organization:
        """Change an organisation; what is not given stays."""
        request = identity_pb2.UpdateOrganizationRequest(
            org_id=org_id, enterprise_id=enterprise_id, name=name, admin_email=admin_email
        )
        if active is not None:
            request.active = active
        return self._connection.call(
            "IdentityService.UpdateOrganization", request, identity_pb2.Organization, Repeat.SAME
        )

    def list_organizations(self, *, page_size: int = 100) -> Iterator[identity_pb2.Organization]:
        """All organisations, by id."""
        request = identity_pb2.ListOrganizationsRequest()
        return entries(
            self._connection,
            "IdentityService.ListOrganizations",
            request,
            identity_pb2.Organizations,
            lambda page: page.organizations,
            page_size=page_size,
        )

    def create_service_token(
        self, *, name: str, lifetime_seconds: int = 0
    ) -> identity_pb2.ServiceToken:
        """A token for a service, shown only now.

        ``lifetime_seconds``: at most 366 days, 0 is 90.
        """
        request = identity_pb2.CreateServiceTokenRequest(
            name=name, lifetime_seconds=lifetime_seconds
        )
        return self._connection.call(
            "IdentityService.CreateServiceToken", request, identity_pb2.ServiceToken, Repeat.ONCE
        )

    def revoke_service_token(self, *, name: str, token_id: str = "") -> None:
        """End a token of a service; an empty ``token_id`` ends all of that name."""
        request = identity_pb2.RevokeServiceTokenRequest(name=name, token_id=token_id)
        self._connection.call(
            "IdentityService.RevokeServiceToken",
            request,
            common_pb2.Done,
            Repeat.SAME,
            common_pb2.Done(),
        )
