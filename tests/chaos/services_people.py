"""What do people do to the services while their node is killed: owners, auditors, an admin?

Each is a thread with a log-in of its own. Owners make, change and delete sets and groups of their
own, and all of them put items into one set and take them out; auditors look; the admin lets people
come and go; somebody renews a log-in again and again.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.client import AuditorClient, AuditorError, Tokens
from scalar_auditor.rpc.v1 import audit_pb2

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from scalar_auditor.client import LogInCalls
    from scalar_auditor.rpc.v1 import identity_pb2
    from tests.chaos.services_told import Told

PASSWORD: Final = "a password that is long enough"
ORGANIZATION: Final = "chaos"
COMMON: Final = "common"  # the set of everybody
ITEMS: Final = tuple(f"file-{number}" for number in range(24))
LASTING: Final = ITEMS[3::4]  # are in it all the time; of the others each owner has a share
OWNERS: Final = tuple(f"owner{number}@chaos.example" for number in range(3))
AUDITORS: Final = tuple(f"auditor{number}@chaos.example" for number in range(2))
RENEWING: Final = "renewing@chaos.example"
VIEWS: Final = ("GetAuditSet", "ListItems", "GetItem", "GetPath", "GetStatus", "VerifyItem")
_MOST_SETS: Final = 4  # that an owner has at a time


class Owner:
    """Has sets and groups."""

    def __init__(self, client: AuditorClient, told: Told, dice: random.Random, email: str) -> None:
        self._calls, self._told, self._dice, self._email = client.audit, told, dice, email
        self._sets: list[str] = []
        self._others = [one for one in (*OWNERS, *AUDITORS) if one != email]

    def step(self) -> None:
        """One thing or other."""
        if len(self._sets) < _MOST_SETS:
            self._make()
            return
        chosen = self._dice.choice(self._sets)
        deeds: list[Callable[[str], None]] = [
            self._collaborator,
            self._collaborator,
            self._item,
            self._item,
            self._group,
            self._hand_over,
            self._delete,
        ]
        self._dice.choice(deeds)(chosen)
        self._item(COMMON)

    def _make(self) -> None:
        new = uuid.uuid4().hex
        made = self._told.does(
            "CreateAuditSet",
            lambda: self._calls.create_audit_set(audit_set_id=new, name=new[:8]),
            {("set", new): self._email, ("collaborator", new, self._email): "OWNER"},
        )
        if made is not None:
            self._sets.append(new)

    def _collaborator(self, audit_set_id: str) -> None:
        email = self._dice.choice(self._others)
        key = ("collaborator", audit_set_id, email)
        if self._told.is_sure(key):
            self._told.does(
                "RemoveCollaborator",
                lambda: self._calls.remove_collaborator(
                    audit_set_id=audit_set_id, user_email=email
                ),
                {key: None},
            )
            return
        role = self._dice.choice(("CO_OWNER", "MEMBER", "REVIEWER"))
        given = [audit_pb2.NewCollaborator(user_email=email, role=role)]
        self._told.does(
            "AddCollaborators",
            lambda: self._calls.add_collaborators(audit_set_id=audit_set_id, collaborators=given),
            {key: role},
        )

    def _item(self, audit_set_id: str) -> None:
        own = OWNERS.index(self._email)
        item_id = self._dice.choice(ITEMS[own::4])
        key = ("item", audit_set_id, item_id)
        if self._told.is_sure(key):
            self._told.does(
                "RemoveItem",
                lambda: self._calls.remove_item(audit_set_id=audit_set_id, item_id=item_id),
                {key: None},
            )
        else:
            self._told.does(
                "AddItems",
                lambda: self._calls.add_items(audit_set_id=audit_set_id, item_ids=[item_id]),
                {key: item_id},
            )

    def _group(self, audit_set_id: str) -> None:
        """A group comes, with somebody in it and a link; and half of them go again."""
        new, email = uuid.uuid4().hex, self._dice.choice(self._others)
        group = ("group", new)
        member, link = ("member", new, email), ("link", new, audit_set_id)
        made = self._told.does(
            "CreateAuditGroup",
            lambda: self._calls.create_audit_group(audit_group_id=new, name=new[:8]),
            {group: self._email, ("member", new, self._email): "OWNER"},
        )
        if made is None:
            return
        self._told.does(
            "AddGroupMember",
            lambda: self._calls.add_group_member(
                audit_group_id=new, user_email=email, privilege="MEMBER"
            ),
            {member: "MEMBER"},
        )
        self._told.does(
            "LinkAuditSet",
            lambda: self._calls.link_audit_set(audit_group_id=new, audit_set_id=audit_set_id),
            {link: new},
        )
        if self._dice.random() < 0.5:
            gone = {group: None, member: None, link: None, ("member", new, self._email): None}
            self._told.does(
                "DeleteAuditGroup",
                lambda: self._calls.delete_audit_group(audit_group_id=new),
                gone,
            )

    def _hand_over(self, audit_set_id: str) -> None:
        """And have nothing to do with it any more: the new owner does not know of it."""
        self._sets.remove(audit_set_id)
        heir = self._dice.choice([one for one in OWNERS if one != self._email])
        self._told.does(
            "TransferOwnership",
            lambda: self._calls.transfer_ownership(audit_set_id=audit_set_id, user_email=heir),
            {
                ("set", audit_set_id): heir,
                ("collaborator", audit_set_id, heir): "OWNER",
                ("collaborator", audit_set_id, self._email): "CO_OWNER",
            },
        )

    def _delete(self, audit_set_id: str) -> None:
        self._sets.remove(audit_set_id)
        self._told.does(
            "DeleteAuditSet",
            lambda: self._calls.delete_audit_set(audit_set_id=audit_set_id),
            self._told.gone(audit_set_id),
        )


class OutsideAuditor:
    """Looks at the set of everybody."""

    def __init__(self, client: AuditorClient, told: Told, dice: random.Random, email: str) -> None:
        self._client, self._told, self._dice, self._email = client, told, dice, email

    def step(self) -> None:
        """One look."""
        method = self._dice.choice(VIEWS)
        item_id = self._dice.choice((*LASTING, *LASTING, *LASTING, *ITEMS))
        if method in {"GetAuditSet", "ListItems"}:
            item_id = ""
        item, verification = self._client.item, self._client.verification
        where: dict[str, Any] = {"item_id": item_id, "audit_set_id": COMMON}
        looks: dict[str, Callable[[], Any]] = {
            "GetAuditSet": lambda: self._client.audit.get_audit_set(audit_set_id=COMMON),
            "ListItems": lambda: list(self._client.audit.list_items(audit_set_id=COMMON)),
            "GetItem": lambda: item.get_item(**where),
            "GetPath": lambda: item.get_path(**where),
            "GetStatus": lambda: verification.get_status(**where),
            "VerifyItem": lambda: verification.verify_item(**where),
        }
        if self._told.does(f"view {method}", looks[method]) is not None:
            self._told.viewed((COMMON, method, item_id, self._email))


class Admin:
    """Lets people come, gives them something of everything, and lets them go.

    ``impatient``: a client that gives up calls almost at once.
    """

    def __init__(
        self, client: AuditorClient, told: Told, dice: random.Random, impatient: AuditorClient
    ) -> None:
        self._client, self._told, self._dice = client, told, dice
        self._impatient = impatient
        self._number = 0

    def step(self) -> None:
        """One life."""
        self._number += 1
        email = f"guest{self._number}@chaos.example"
        user = ("user", email)
        calls = self._client.audit
        made = self._told.does(
            "RegisterUser",
            lambda: self._client.identity.register_user(
                user_email=email,
                name="guest",
                password=PASSWORD,
                org_id=ORGANIZATION,
                roles=["GENERAL_USER"],
            ),
            {user: email},
        )
        if made is None:
            return
        self._told.does(
            "AssignRole",
            lambda: self._client.identity.assign_role(user_email=email, role="EXTERNAL_AUDITOR"),
        )
        given = [audit_pb2.NewCollaborator(user_email=email, role="REVIEWER")]
        self._told.does(
            "AddCollaborators",
            lambda: calls.add_collaborators(audit_set_id=COMMON, collaborators=given),
        )
        self._told.does(
            "AddGroupMember",
            lambda: calls.add_group_member(
                audit_group_id=COMMON, user_email=email, privilege="MEMBER"
            ),
        )
        if self._dice.random() < 0.3:
            self._told.does(
                "Login",
                lambda: self._client.identity.log_in(user_email=email, password=PASSWORD),
            )
        self.delete(email, self._dice.choice((self._client, self._client, self._impatient)))

    def delete(self, email: str, client: AuditorClient) -> None:
        """Let somebody go, or begin to."""
        self._told.leaving.add(email)

        def gone() -> bool:
            client.identity.delete_user(user_email=email)
            return True

        if self._told.does("DeleteUser", gone, {("user", email): None}):
            self._told.left.add(email)


class Held(Tokens):
    """The tokens of somebody who renews them by hand."""

    def __init__(self) -> None:
        self.tokens: identity_pb2.Tokens | None = None

    def current(self, log_in: LogInCalls) -> str:
        """The access token."""
        return "" if self.tokens is None else self.tokens.access_token

    def renewed(self, refused: str, log_in: LogInCalls) -> str | None:
        """None: whoever is refused is to hear of it."""
        return None


class Renewing:
    """Renews a log-in; behind an answer that was lost, logs in anew."""

    def __init__(self, client: AuditorClient, told: Told, held: Held) -> None:
        self._calls, self._told, self._held = client.identity, told, held
        self._used = ""

    def step(self) -> None:
        """New tokens, and are they good?"""
        held = self._held.tokens
        if held is None:
            self._held.tokens = self._told.does(
                "Login", lambda: self._calls.log_in(user_email=RENEWING, password=PASSWORD)
            )
            return
        self._held.tokens = self._told.does(
            "Refresh", lambda: self._calls.refresh(refresh_token=held.refresh_token)
        )
        if self._held.tokens is not None:
            self._told.does("GetUser", lambda: self._calls.get_user(user_email=RENEWING))
            self._insist_that_it_is_used_up(held.refresh_token)

    def _insist_that_it_is_used_up(self, refresh_token: str) -> None:
        """Now and then; it ends the log-in, too."""
        if self._told.counts["acknowledged Refresh"] % 5:
            return
        self._held.tokens = None
        try:
            self._calls.refresh(refresh_token=refresh_token)
        except AuditorError:
            self._told.count("used tokens refused")
            return
        self._told.odd.append("a refresh token was good for a second use")
