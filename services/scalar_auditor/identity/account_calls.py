"""How are the methods about accounts and roles answered?"""

from __future__ import annotations

import dataclasses
import functools
import uuid
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor import fields
from scalar_auditor.errors import HINDRANCES, InvalidArgumentError
from scalar_auditor.identity import accounts, leaving, organizations, permitted, roles, told
from scalar_auditor.identity.accounts import USUAL_ROLE, Status, UserType
from scalar_auditor.identity.kept_password import KeptPassword, another_stamp
from scalar_auditor.identity.known_by_password import new_password
from scalar_auditor.identity.model import User
from scalar_auditor.identity.origins import tries_of
from scalar_auditor.identity.rules import ACTIVE
from scalar_auditor.permissions import Role
from scalar_auditor.rpc.v1 import common_pb2, identity_pb2
from scalar_auditor.serving import PEOPLE, Method
from scalar_tx.cluster.auth.security_log import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_auditor.identity.serving import Identity
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller
    from scalar_tx.transaction_async import AsyncTransaction

_LONGEST_LANGUAGE: Final = 35  # characters of a language tag (RFC 5646)


class AccountCalls:
    """The methods about people."""

    def __init__(self, auditor: Auditor, identity: Identity) -> None:
        self._auditor = auditor
        self._identity = identity

    def methods(self) -> Mapping[str, Method]:
        """By name."""
        return {
            "RegisterUser": Method(self.register, PEOPLE),
            "GetUser": Method(self.get, PEOPLE),
            "ListUsers": Method(self.list, PEOPLE),
            "UpdateUser": Method(self.update, PEOPLE),
            "DeleteUser": Method(self.delete, PEOPLE),
            "AssignRole": Method(self.assign, PEOPLE),
            "RevokeRole": Method(self.revoke, PEOPLE),
        }

    async def register(self, request: Any, caller: Caller) -> Any:
        """Make an account. Sent again with the same values and password, it is the one there."""
        permitted.insist_on_admin(caller)
        password = new_password("password", request.password)
        wanted, given = _wanted(request, self._auditor.now_ms())
        same = await self._auditor.read(caller, accounts.is_same, wanted, given)
        if same is not None:
            await self._insist_on_password(caller, same, password)
            return _user(same, given)
        kept = KeptPassword.new(await self._identity.hashing.hashed(password))
        user = dataclasses.replace(wanted, password_hash=kept.column)
        await self._auditor.change(caller, accounts.register, user, given, caller.user_id)
        told.done(Event.CREATE_USER, caller, subject=user.user_email, detail=" ".join(given))
        return _user(user, given)

    async def _insist_on_password(self, caller: Caller, there: User, password: str) -> None:
        tries = tries_of(there.user_email, caller)
        await self._identity.limits.admit(tries)
        kept = KeptPassword.of(there.password_hash)
        if not (await self._identity.hashing.verify(kept.hash, password)).right:
            await self._identity.limits.failed(tries)
            raise accounts.exists(there.user_email)

    async def get(self, request: Any, caller: Caller) -> Any:
        """Oneself; an AUDIT_ADMIN sees everybody."""
        user_email = fields.email("user_email", request.user_email)
        permitted.insist_on_self_or_admin(caller, user_email)
        return _user(*await self._auditor.read(caller, accounts.seen, user_email))

    async def list(self, request: Any, caller: Caller) -> Any:
        """The people of an organisation."""
        org_id = fields.identifier("org_id", request.org_id)
        permitted.insist_on_admin_over_organization(caller, org_id)
        page = self._auditor.pages.asked(request.page, "ListUsers", org_id)
        found = await self._auditor.listed(
            caller, organizations.users, org_id, page.size + 1, page.after
        )
        answer = identity_pb2.Users(
            users=[
                identity_pb2.UserSummary(
                    user_email=one.user_email,
                    user_id=one.user_id,
                    name=one.name,
                    status=one.status,
                )
                for one in found[: page.size]
            ]
        )
        if len(found) > page.size:
            last = found[page.size - 1].user_email
            answer.next_page_token = self._auditor.pages.token(last, "ListUsers", org_id)
        return answer

    async def update(self, request: Any, caller: Caller) -> Any:
        """Change what is given: name and language oneself, the rest an AUDIT_ADMIN."""
        user_email = fields.email("user_email", request.user_email)
        values = _changes(request)
        permitted.insist_on_self_or_admin(caller, user_email)
        if not values.keys() <= {"name", "language"}:
            permitted.insist_on_admin(caller)
        now_ms = self._auditor.now_ms()
        found = await self._auditor.change(
            caller, accounts.change, user_email, values, now_ms, another_stamp()
        )
        if "status" in values:
            self._identity.access.forget(user_email)
        told.done(Event.CHANGE_USER, caller, subject=user_email, detail=" ".join(sorted(values)))
        return _user(*found)

    async def delete(self, request: Any, caller: Caller) -> Any:
        """Remove a person by steps; not finished: send it again."""
        user_email = fields.email("user_email", request.user_email)
        permitted.insist_on_admin_over(caller, user_email)
        now_ms = self._auditor.now_ms()
        await self._auditor.change(caller, leaving.begin, user_email, now_ms)
        self._identity.access.forget(user_email)
        told.done(Event.DROP_USER, caller, subject=user_email, detail="begun")
        change = functools.partial(self._auditor.change, caller)
        listed = functools.partial(self._auditor.listed, caller)
        try:
            finished = await leaving.go_on(change, listed, user_email, now_ms)
        except HINDRANCES:
            finished = False  # it has begun: who sends it again goes on, or hears what is wrong
        if finished:
            told.done(Event.DROP_USER, caller, subject=user_email)
        return common_pb2.Steps(finished=finished)

    async def assign(self, request: Any, caller: Caller) -> Any:
        """Give a role; one that they have, they keep."""
        return await self._role(request, caller, given=True)

    async def revoke(self, request: Any, caller: Caller) -> Any:
        """Take a role; one that they have not, they have not."""
        return await self._role(request, caller, given=False)

    async def _role(self, request: Any, caller: Caller, *, given: bool) -> Any:
        user_email = fields.email("user_email", request.user_email)
        role = fields.one_of("role", request.role, Role)
        permitted.insist_on_admin_over(caller, user_email)
        now_ms = self._auditor.now_ms()

        async def work(tx: AsyncTransaction) -> tuple[bool, User, Sequence[Role]]:
            user, _ = await accounts.seen(tx, user_email)
            if given:
                changed = await roles.assign(tx, user, role, caller.user_id, now_ms)
            else:
                changed = await roles.revoke(tx, user, role)
            return changed, user, await roles.of(tx, user_email)

        changed, user, now = await self._auditor.change(caller, work)
        if changed:
            self._identity.access.forget(user_email)
            event = Event.GRANT_ROLE if given else Event.REVOKE_ROLE
            told.done(event, caller, subject=user_email, detail=role)
        return _user(user, now)


def _wanted(request: Any, now_ms: int) -> tuple[User, list[Role]]:
    """The account that is asked for, without a password, and its roles."""
    user_type = UserType.INTERNAL
    if request.user_type:
        user_type = fields.one_of("user_type", request.user_type, UserType)
    fields.count("roles", len(request.roles), 0, len(Role))
    given = [fields.one_of(f"roles[{n}]", text, Role) for n, text in enumerate(request.roles)]
    user = User(
        user_email=fields.email("user_email", request.user_email),
        user_id=uuid.uuid4().hex,
        name=fields.line("name", request.name),
        password_hash="",
        user_type=user_type.value,
        status=ACTIVE,
        language=_language("language", request.language),
        org_id=fields.optional_identifier("org_id", request.org_id),
        failed_logins=0,
        locked_until=0,
        created_at=now_ms,
        updated_at=now_ms,
    )
    return user, list(dict.fromkeys(given)) or [USUAL_ROLE[user_type]]


def _changes(request: Any) -> dict[str, str]:
    """What is to be changed, by the names of fields."""
    values: dict[str, str] = {}
    if request.HasField("name"):
        values["name"] = fields.line("name", request.name)
    if request.HasField("language"):
        values["language"] = _language("language", request.language)
    if request.HasField("status"):
        values["status"] = fields.one_of("status", request.status, Status).value
    if request.HasField("user_type"):
        values["user_type"] = fields.one_of("user_type", request.user_type, UserType).value
    if request.HasField("org_id"):
        values["org_id"] = fields.optional_identifier("org_id", request.org_id)
    if not values:
        raise InvalidArgumentError("name", "nothing is given to be changed")
    return values


def _language(field: str, text: str) -> str:
    return fields.line(field, text, longest=_LONGEST_LANGUAGE, empty=True)


def _user(user: User, given: Sequence[Role]) -> Any:
    return identity_pb2.User(
        user_email=user.user_email,
        user_id=user.user_id,
        name=user.name,
        user_type=user.user_type,
        status=user.status,
        language=user.language,
        org_id=user.org_id,
        roles=sorted(given),
        created_at=user.created_at,
        updated_at=user.updated_at,
        locked_until=user.locked_until,
    )
