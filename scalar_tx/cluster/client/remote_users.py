"""How are the users of a node administered from a program elsewhere?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.rpc.v1 import security_pb2 as rpc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scalar_tx.cluster.client.node_calls import NodeCalls

_SECURITY: Final = "/scalar_tx.v1.Security/"


@dataclass(frozen=True, slots=True)
class User:
    """A user as a list shows them."""

    name: str
    superuser: bool
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Granted:
    """Privileges that a subject (``user:ada``, ``role:clerks``) was granted on a place."""

    subject: str
    privileges: tuple[str, ...]
    place: str


class RemoteUsers:
    """Users, roles and grants of the node that some calls go to.

    Each raises what the node says: InvalidOperationError, STX-5202, where the caller may not;
    StorageUnavailableError where no node answers.
    """

    def __init__(self, calls: NodeCalls) -> None:
        self._calls = calls

    async def _ask(
        self, method: str, request: Any, answer: Any = rpc.SecurityDone, *, harmless: bool = False
    ) -> Any:
        return await self._calls.ask(_SECURITY + method, request, answer, harmless=harmless)

    async def all(self) -> list[User]:
        """All users."""
        found = await self._ask("ListUsers", rpc.ListRequest(), rpc.Users, harmless=True)
        return [User(one.name, one.superuser, tuple(one.roles)) for one in found.users]

    async def create(self, name: str, password: str, *, superuser: bool) -> None:
        """Make a user. STX-5210: there is one of that name."""
        ask = rpc.UserRequest(user=name, password=password, superuser=superuser)
        await self._ask("CreateUser", ask)

    async def drop(self, name: str) -> None:
        """Remove a user; their tokens and grants go with them."""
        await self._ask("DropUser", rpc.UserRequest(user=name))

    async def set_password(self, name: str, password: str) -> None:
        """Give a user another password; all their tokens are dead."""
        await self._ask("SetPassword", rpc.UserRequest(user=name, password=password))

    async def change_password(self, old: str, new: str) -> None:
        """Change the caller's own password; all their tokens are dead."""
        ask = rpc.ChangePasswordRequest(old_password=old, new_password=new)
        await self._ask("ChangePassword", ask)

    async def end_tokens(self, name: str) -> None:
        """Make a user log in anew, everywhere."""
        await self._ask("RevokeTokens", rpc.UserRequest(user=name))

    async def create_role(self, role: str) -> None:
        """Make a role."""
        await self._ask("CreateRole", rpc.RoleRequest(role=role))

    async def drop_role(self, role: str) -> None:
        """Remove a role, from everybody who has it."""
        await self._ask("DropRole", rpc.RoleRequest(role=role))

    async def grant_role(self, role: str, member: str) -> None:
        """Give a role to ``user:ada``, or to another role."""
        await self._ask("GrantRole", rpc.RoleRequest(role=role, member=member))

    async def revoke_role(self, role: str, member: str) -> None:
        """Take a role from whoever has it."""
        await self._ask("RevokeRole", rpc.RoleRequest(role=role, member=member))

    async def grant(self, subject: str, privileges: Iterable[str], place: str) -> None:
        """Grant privileges on a namespace or table."""
        ask = rpc.GrantRequest(subject=subject, privileges=privileges, object=place)
        await self._ask("Grant", ask)

    async def revoke(self, subject: str, privileges: Iterable[str], place: str) -> None:
        """Take privileges away on exactly this place."""
        ask = rpc.GrantRequest(subject=subject, privileges=privileges, object=place)
        await self._ask("Revoke", ask)

    async def grants(self, subject: str) -> list[Granted]:
        """What a user or role was granted itself."""
        ask = rpc.ListRequest(subject=subject)
        found = await self._ask("ListGrants", ask, rpc.Grants, harmless=True)
        return [Granted(one.subject, tuple(one.privileges), one.object) for one in found.grants]
