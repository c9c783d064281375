"""What may the log say of an error? Its kind and code: its text may hold keys, which are user data.

An adapter tells in the database's own words what went wrong, and those name rows.
"""

from __future__ import annotations

from scalar_tx.errors import ScalarTxError


def kind_of(error: BaseException) -> str:
    """The class and code of an error, and the classes of what it came from."""
    names, seen = [_name(error)], {id(error)}
    cause = error.__cause__
    while cause is not None and id(cause) not in seen:
        names.append(_name(cause))
        seen.add(id(cause))
        cause = cause.__cause__
    return " from ".join(names)


def _name(error: BaseException) -> str:
    name = type(error).__name__
    return f"{name} [{error.code}]" if isinstance(error, ScalarTxError) else name
