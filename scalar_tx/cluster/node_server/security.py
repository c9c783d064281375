"""How are log-ins and changes of users, roles and grants served?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from scalar_tx.cluster.auth.permissions import check_grant, check_superuser
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.security_log import Caller as By
from scalar_tx.cluster.node_server.calls import SMALL, Method
from scalar_tx.cluster.rpc.v1 import security_pb2 as rpc
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_tx.cluster.auth.authenticator import Authenticator
    from scalar_tx.cluster.auth.principals import Principals
    from scalar_tx.cluster.auth.tokens import TokenPair
    from scalar_tx.cluster.node_server.access import Caller

_DONE: Final = rpc.SecurityDone()


class SecurityCalls:
    """Serves ``Security``. None of it is refused while the node is paused but what writes."""

    def __init__(self, authenticator: Authenticator, principals: Principals) -> None:
        self._authenticator = authenticator
        self._principals = principals

    def methods(self) -> Mapping[str, Method]:
        """What serves each of them."""
        return {
            "LogIn": Method(self._log_in, open=True, most_bytes=SMALL),
            "Refresh": Method(self._refresh, open=True, most_bytes=SMALL),
            "LogOut": Method(self._log_out, open=True, most_bytes=SMALL),
            "ChangePassword": Method(self._change_password, most_bytes=SMALL),
            "CreateUser": Method(self._create_user, most_bytes=SMALL),
            "DropUser": Method(self._drop_user, most_bytes=SMALL),
            "SetPassword": Method(self._set_password, most_bytes=SMALL),
            "RevokeTokens": Method(self._revoke_tokens, most_bytes=SMALL),
            "ListUsers": Method(self._users, most_bytes=SMALL),
            "CreateRole": Method(self._create_role, most_bytes=SMALL),
            "DropRole": Method(self._drop_role, most_bytes=SMALL),
            "GrantRole": Method(self._grant_role, most_bytes=SMALL),
            "RevokeRole": Method(self._revoke_role, most_bytes=SMALL),
            "Grant": Method(self._grant, most_bytes=SMALL),
            "Revoke": Method(self._revoke, most_bytes=SMALL),
            "ListGrants": Method(self._grants, most_bytes=SMALL),
        }

    # For everybody.

    async def _log_in(self, ask: rpc.LogInRequest, caller: Caller) -> rpc.Tokens:
        pair = await self._authenticator.log_in(ask.user, ask.password, peer=caller.peer)
        return self._tokens(pair)

    async def _refresh(self, ask: rpc.RefreshRequest, caller: Caller) -> rpc.Tokens:
        pair = await self._authenticator.refresh(ask.refresh_token, peer=caller.peer)
        return self._tokens(pair)

    def _tokens(self, pair: TokenPair) -> rpc.Tokens:
        left = pair.access_expires_at - self._principals.tables.now()
        return rpc.Tokens(
            access_token=pair.access,
            refresh_token=pair.refresh,
            expires_in=max(0.0, left.total_seconds()),
        )

    async def _log_out(self, ask: rpc.Token, caller: Caller) -> rpc.SecurityDone:
        await self._authenticator.log_out(ask.token, peer=caller.peer)
        return _DONE

    async def _change_password(
        self, ask: rpc.ChangePasswordRequest, caller: Caller
    ) -> rpc.SecurityDone:
        await self._authenticator.change_password(
            caller.name, ask.old_password, ask.new_password, peer=caller.peer
        )
        return _DONE

    # For superusers.

    def _by(self, caller: Caller, what: str) -> By:
        check_superuser(caller.principal, what, peer=caller.peer)
        return By(caller.name, caller.peer)

    async def _create_user(self, ask: rpc.UserRequest, caller: Caller) -> rpc.SecurityDone:
        by = self._by(caller, "create a user")
        await self._principals.users.create(ask.user, ask.password, superuser=ask.superuser, by=by)
        return _DONE

    async def _drop_user(self, ask: rpc.UserRequest, caller: Caller) -> rpc.SecurityDone:
        await self._principals.users.drop(ask.user, by=self._by(caller, "drop a user"))
        return _DONE

    async def _set_password(self, ask: rpc.UserRequest, caller: Caller) -> rpc.SecurityDone:
        by = self._by(caller, "set a password")
        await self._principals.users.set_password(ask.user, ask.password, by=by)
        return _DONE

    async def _revoke_tokens(self, ask: rpc.UserRequest, caller: Caller) -> rpc.SecurityDone:
        by = self._by(caller, "end the tokens of a user")
        await self._principals.users.end_tokens(ask.user, by=by)
        return _DONE

    async def _users(self, ask: rpc.ListRequest, caller: Caller) -> rpc.Users:
        self._by(caller, "list users")
        found = []
        for user in await self._principals.users.all():
            roles = await self._principals.roles.of(f"user:{user.name}")
            found.append(rpc.User(name=user.name, superuser=user.superuser, roles=roles))
        return rpc.Users(users=found)

    async def _create_role(self, ask: rpc.RoleRequest, caller: Caller) -> rpc.SecurityDone:
        await self._principals.roles.create(ask.role, by=self._by(caller, "create a role"))
        return _DONE

    async def _drop_role(self, ask: rpc.RoleRequest, caller: Caller) -> rpc.SecurityDone:
        await self._principals.roles.drop(ask.role, by=self._by(caller, "drop a role"))
        return _DONE

    async def _grant_role(self, ask: rpc.RoleRequest, caller: Caller) -> rpc.SecurityDone:
        by = self._by(caller, "give a role")
        await self._principals.roles.grant(ask.role, ask.member, by=by)
        return _DONE

    async def _revoke_role(self, ask: rpc.RoleRequest, caller: Caller) -> rpc.SecurityDone:
        by = self._by(caller, "take a role")
        await self._principals.roles.revoke(ask.role, ask.member, by=by)
        return _DONE

    # For those who have GRANT.

    async def _grant(self, ask: rpc.GrantRequest, caller: Caller) -> rpc.SecurityDone:
        privileges = self._may_grant(ask, caller)
        by = By(caller.name, caller.peer)
        await self._principals.grants.grant(ask.subject, privileges, ask.object, by=by)
        return _DONE

    async def _revoke(self, ask: rpc.GrantRequest, caller: Caller) -> rpc.SecurityDone:
        privileges = self._may_grant(ask, caller)
        by = By(caller.name, caller.peer)
        await self._principals.grants.revoke(ask.subject, privileges, ask.object, by=by)
        return _DONE

    def _may_grant(self, ask: rpc.GrantRequest, caller: Caller) -> list[Privilege]:
        privileges = [Privilege.parse(one) for one in ask.privileges]
        check_grant(caller.principal, privileges, ask.object, peer=caller.peer)
        return privileges

    async def _grants(self, ask: rpc.ListRequest, caller: Caller) -> rpc.Grants:
        if ask.subject != f"user:{caller.name}":
            self._by(caller, "list the grants of others")
        found = await self._principals.grants.of(ask.subject)
        return rpc.Grants(
            grants=[
                rpc.GrantRequest(
                    subject=one.subject,
                    privileges=sorted(privilege.value for privilege in one.privileges),
                    object=one.place,
                )
                for one in found
            ]
        )


class NoSecurityCalls:
    """Serves ``Security`` where the node asks nobody to log in: it has no users."""

    def methods(self) -> Mapping[str, Method]:
        """Each of them is refused."""
        names = rpc.DESCRIPTOR.services_by_name["Security"].methods_by_name
        return dict.fromkeys(names, Method(self._refuse, gated=False, open=True, most_bytes=SMALL))

    async def _refuse(self, ask: object, caller: Caller) -> NoReturn:
        raise InvalidOperationError(
            "this node asks nobody to log in, and has no users",
            advice="Set scalar.db.cluster.auth.enabled=true in the node's settings",
            code="STX-5067",
        )
