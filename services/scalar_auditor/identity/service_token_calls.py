"""How are CreateServiceToken and RevokeServiceToken answered?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_auditor import fields
from scalar_auditor.identity import permitted, service_tokens, told
from scalar_auditor.identity.token_text import new_log_in, new_token
from scalar_auditor.rpc.v1 import common_pb2, identity_pb2
from scalar_auditor.serving import PEOPLE, Method
from scalar_tx.cluster.auth.security_log import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scalar_auditor.identity.serving import Identity
    from scalar_auditor.parts import Auditor
    from scalar_auditor.permissions import Caller


class ServiceTokenCalls:
    """The methods about the tokens of services; all are an AUDIT_ADMIN's."""

    def __init__(self, auditor: Auditor, identity: Identity) -> None:
        self._auditor = auditor
        self._identity = identity

    def methods(self) -> Mapping[str, Method]:
        """By name."""
        return {
            "CreateServiceToken": Method(self.create, PEOPLE),
            "RevokeServiceToken": Method(self.revoke, PEOPLE),
        }

    async def create(self, request: Any, caller: Caller) -> Any:
        """Make a token; its text is shown only now, and each call makes another."""
        permitted.insist_on_admin(caller)
        name = service_tokens.checked_name("name", request.name)
        lifetime_ms = service_tokens.lifetime_ms("lifetime_seconds", request.lifetime_seconds)
        now_ms = self._auditor.now_ms()
        token = new_token(service_tokens.owner(name), new_log_in())
        expires_at = now_ms + lifetime_ms
        await self._auditor.change(caller, service_tokens.create, name, token, now_ms, expires_at)
        told.done(Event.TOKEN, caller, subject=service_tokens.owner(name), detail="made")
        return identity_pb2.ServiceToken(
            name=name, token_id=token.token_id, token=token.text, expires_at=expires_at
        )

    async def revoke(self, request: Any, caller: Caller) -> Any:
        """End a token, or all of a name. What is not there is as if it were ended."""
        permitted.insist_on_admin(caller)
        name = service_tokens.checked_name("name", request.name)
        token_id = fields.optional_identifier("token_id", request.token_id)
        ended = await self._auditor.change(caller, service_tokens.revoke, name, token_id)
        self._identity.access.forget_service(name)
        subject = service_tokens.owner(name)
        told.done(Event.TOKEN, caller, subject=subject, detail=f"revoked: {ended}")
        return common_pb2.Done()
