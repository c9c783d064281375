"""How is somebody turned away, without learning what they could not know?"""

from __future__ import annotations

from scalar_tx.errors import InvalidOperationError, StorageUnavailableError


class NotAuthenticatedError(InvalidOperationError):
    """It is not known who calls: a token or a log-in was not accepted."""

    default_code = "STX-5201"
    default_advice = "Log in, and send the token that the log-in returned"


class NotPermittedError(InvalidOperationError):
    """It is known who calls, and they may not do this."""

    default_code = "STX-5202"
    default_advice = "Ask somebody who may grant it"


class TooManyAttemptsError(StorageUnavailableError):
    """Passwords are not looked at now; nothing was done. ``retry_after``: seconds."""

    default_code = "STX-5204"
    default_advice = "Wait as long as .retry_after says, then log in again"


def bad_token() -> NotAuthenticatedError:
    """A token that is none, was never one, or is no more: the caller hears no difference."""
    return NotAuthenticatedError(
        "this token is not valid, or not any more", advice="Log in again", code="STX-5201"
    )


def bad_log_in() -> NotAuthenticatedError:
    """No such user, another password, or a user who may not log in: no difference either."""
    return NotAuthenticatedError(
        "the user name or the password is wrong",
        advice="Correct them; an administrator can set a new password",
        code="STX-5203",
    )
