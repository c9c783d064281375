"""What is one record of each table of the namespace ``identity``?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from scalar_auditor.permissions import Role
from scalar_tx import table


class TokenType(StrEnum):
    """What a token is for."""

    ACCESS = "ACCESS"  # calls of a person
    REFRESH = "REFRESH"  # the next two tokens, once
    SERVICE = "SERVICE"  # calls of a service


@table("identity.user")
@dataclass(frozen=True, slots=True)
class User:
    """A person's account."""

    user_email: str
    user_id: str
    name: str
    password_hash: str = field(repr=False)
    user_type: str
    status: str
    language: str
    org_id: str
    failed_logins: int
    locked_until: int
    created_at: int
    updated_at: int


@table("identity.users_by_org")
@dataclass(frozen=True, slots=True)
class UserOfOrganization:
    """A person, by organisation."""

    org_id: str
    user_email: str
    user_id: str
    name: str
    status: str


@table("identity.role_user")
@dataclass(frozen=True, slots=True)
class RoleOfUser:
    """A person's role."""

    role_name: Role
    user_email: str
    user_id: str
    assigned_by: str
    assigned_at: int


@table("identity.user_token")
@dataclass(frozen=True, slots=True)
class Token:
    """A token that was handed out, as a hash."""

    user_email: str
    token_id: str
    token_hash: str = field(repr=False)
    token_type: TokenType
    family_id: str
    parent_token_id: str
    used_at: int
    expires_at: int
    created_at: int


@table("identity.user_otp")
@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A one-time code, as a hash."""

    user_email: str
    otp_type: str
    otp_hash: str = field(repr=False)
    key_id: str
    attempts: int
    sent_count: int
    expires_at: int
    created_at: int


@table("identity.user_audit_group")
@dataclass(frozen=True, slots=True)
class GroupOfUser:
    """An audit group that a person is in, by person."""

    user_email: str
    audit_group_id: str
    privilege: str
    added_at: int


@table("identity.organization")
@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation."""

    org_id: str
    enterprise_id: str
    name: str
    admin_email: str
    active: bool
    created_at: int
    updated_at: int
