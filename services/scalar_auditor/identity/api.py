"""Which methods does IdentityService have? (Services specification 3)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_auditor.identity.account_calls import AccountCalls
from scalar_auditor.identity.log_in_calls import LogInCalls
from scalar_auditor.identity.organization_calls import OrganizationCalls
from scalar_auditor.identity.password_calls import PasswordCalls
from scalar_auditor.identity.service_token_calls import ServiceTokenCalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_auditor.identity.serving import Identity
    from scalar_auditor.parts import Auditor
    from scalar_auditor.serving import Method


class Api:
    """The service of one worker."""

    def __init__(self, auditor: Auditor, identity: Identity) -> None:
        self._calls = (
            LogInCalls(auditor, identity),
            PasswordCalls(auditor, identity),
            AccountCalls(auditor, identity),
            OrganizationCalls(auditor),
            ServiceTokenCalls(auditor, identity),
        )

    def methods(self) -> Mapping[str, Method]:
        """By name."""
        return {name: one for calls in self._calls for name, one in calls.methods().items()}
