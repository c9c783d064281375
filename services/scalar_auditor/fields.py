"""Can a field of a request be right? Each check returns what is to be used, or names the field."""

from __future__ import annotations

import datetime as dt
import json
import re
from enum import StrEnum
from typing import Final, TypeVar

from scalar_auditor.errors import InvalidArgumentError

E = TypeVar("E", bound=StrEnum)

LONGEST_ID: Final = 128  # characters
LONGEST_NAME: Final = 255
LONGEST_TEXT: Final = 4000
_LAST_MS: Final = 9_999_999_999_999  # 13 digits: the year 2286
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
# One @, something before it, a domain behind it: whether mail arrives is for the mail to find out.
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")
_LONGEST_EMAIL: Final = 254


def identifier(field: str, text: str) -> str:
    """An id: 1 to 128 printable characters without blanks."""
    if not text:
        raise InvalidArgumentError(field, "it is missing")
    if len(text) > LONGEST_ID:
        raise InvalidArgumentError(field, f"it has more than {LONGEST_ID} characters")
    if not text.isprintable() or " " in text:  # no other blank can be shown
        raise InvalidArgumentError(field, "it holds a blank or a sign that can't be shown")
    return text


def optional_identifier(field: str, text: str) -> str:
    """An id, or nothing."""
    return identifier(field, text) if text else ""


def line(field: str, text: str, *, longest: int = LONGEST_NAME, empty: bool = False) -> str:
    """A text of one line, such as a name."""
    if not text.strip() and not empty:
        raise InvalidArgumentError(field, "it is missing")
    if len(text) > longest:
        raise InvalidArgumentError(field, f"it has more than {longest} characters")
    if not text.isprintable():
        raise InvalidArgumentError(field, "it holds a sign that can't be shown")
    return text


def text(field: str, given: str, *, longest: int = LONGEST_TEXT) -> str:
    """A text of any lines; it may be empty."""
    if len(given) > longest:
        raise InvalidArgumentError(field, f"it has more than {longest} characters")
    if "\x00" in given:
        raise InvalidArgumentError(field, "it holds a NUL")
    return given


def email(field: str, text: str) -> str:
    """An e-mail address, as it is kept: in lower case."""
    if not text:
        raise InvalidArgumentError(field, "it is missing")
    lower = text.lower()
    if len(lower) > _LONGEST_EMAIL or not lower.isprintable() or not _EMAIL.fullmatch(lower):
        raise InvalidArgumentError(field, "it is no e-mail address")
    return lower


def sha1(field: str, text: str) -> str:
    """A SHA-1 digest, as 40 hexadecimal digits in lower case."""
    lower = text.lower()
    if not _SHA1.fullmatch(lower):
        raise InvalidArgumentError(field, "it is no SHA-1 digest of 40 hexadecimal digits")
    return lower


def optional_sha1(field: str, text: str) -> str:
    """A SHA-1 digest, or nothing."""
    return sha1(field, text) if text else ""


def moment(field: str, milliseconds: int) -> int:
    """A time in milliseconds since 1970, of 13 digits at most and not 0."""
    if not 0 < milliseconds <= _LAST_MS:
        raise InvalidArgumentError(field, "it is no time in milliseconds since 1970")
    return milliseconds


def natural(field: str, number: int) -> int:
    """A number from 0 to 2^53."""
    if not 0 <= number <= 2**53:
        raise InvalidArgumentError(field, "it is not from 0 to 2^53")
    return number


def one_of(field: str, text: str, kind: type[E]) -> E:
    """A member of an enumeration, by its value."""
    try:
        return kind(text)
    except ValueError:
        values = ", ".join(kind)
        raise InvalidArgumentError(field, f"it is one of {values}") from None


def day(field: str, text: str) -> dt.date:
    """A day as yyyy-mm-dd."""
    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.isoformat() != text:
        raise InvalidArgumentError(field, "it is no day as yyyy-mm-dd")
    return found


def json_text(field: str, given: str, *, longest: int = LONGEST_TEXT) -> str:
    """JSON as text, or nothing."""
    text(field, given, longest=longest)
    if given:
        try:
            json.loads(given)
        except (ValueError, RecursionError):
            raise InvalidArgumentError(field, "it is no JSON") from None
    return given


def count(field: str, number: int, least: int, most: int) -> None:
    """So many elements of a repeated field are allowed."""
    if not least <= number <= most:
        raise InvalidArgumentError(field, f"it has {least} to {most} elements")
