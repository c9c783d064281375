"""Is the tree as tidy as it was meant to be?

Rules that no linter knows. Patterns are written so that they don't match themselves.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from tests.architecture.checkout import GENERATED, text_files

LONGEST = 400
CODE = {".py", ".java", ".sh", ".toml", ".proto"}

# A file past 400 lines is asked what its second subject is. path -> why it has none
LONG_FILES = {
    "proto/scalardb/scalardb.proto": "one package of a protocol that others drew",
}

# Words that say nothing about a file's question.
EMPTY_WORDS = re.compile(r"manager|handler|util|helper", re.IGNORECASE)
# Here "manager" is ScalarDB's word for what a caller holds.
NAMED_MANAGER = re.compile(r"(scalar_tx|tests/.+)/(test_)?manager(_async)?\.py")

FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.~$}/-])/(?:work|root|Users|home)/(?!\.\.\.)[\w.-]",
    "a leftover marker": r"\b(?:TO[D]O|FIXM[E]|XX[X]|HAC[K])\b",
    "an unfinished merge": r"^(?:<<<<<<[<]|>>>>>>[>]) ",
    "a debugger's stop": r"\bbreakpoin[t]\(\)|\bpdb[.]set_trac[e]\b",
}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return dict(text_files())


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_text_holds(texts: dict[str, str], what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    assert [
        f"{path}:{text.count(chr(10), 0, found.start()) + 1}: {found.group()}"
        for path, text in texts.items()
        for found in pattern.finditer(text)
    ] == []


def test_a_long_file_has_a_reason(texts: dict[str, str]) -> None:
    long = {
        path: lines
        for path, text in texts.items()
        if PurePosixPath(path).suffix in CODE
        and not path.endswith(GENERATED)
        and (lines := text.count("\n")) > LONGEST
    }
    without_reason = {path: lines for path, lines in long.items() if path not in LONG_FILES}
    assert without_reason == {}
    assert set(LONG_FILES) <= set(long), "no longer long: take it off the list"


def test_a_file_name_is_a_question(texts: dict[str, str]) -> None:
    assert [
        path for path in texts if EMPTY_WORDS.search(path) and not NAMED_MANAGER.fullmatch(path)
    ] == []


def test_python_files_have_a_first_line_that_says_what_they_are_for(
    texts: dict[str, str],
) -> None:
    assert [
        path
        for path, text in texts.items()
        if path.endswith(".py") and not path.endswith(GENERATED)
        if text.strip() and not text.startswith(('"""', 'r"""', "#!"))
    ] == []
