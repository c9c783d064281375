"""Each code has one meaning: one class in the source, and one row in docs/errors.md."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import scalar_tx
from scalar_tx import errors
from scalar_tx.storage.sql.meanings import Meaning
from scalar_tx.storage.sqlite.errors import CASES, EXTENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"STX-\d{4}")
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.ScalarTxError)
}
NO_CODE = errors.ScalarTxError.default_code  # of the base, which nobody raises


def sources() -> list[Path]:
    return sorted(
        path
        for folder in ("scalar_tx", "schema", "services")
        for path in (ROOT / folder).rglob("*.py")
        if "conformance" not in path.parts
    )


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Every code that stands in a text of its own."""
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and CODE.fullmatch(text):
            yield text


def raised_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(class, code) of each error that is made by its class's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    yield node.func.id, str(keyword.value.value)


def in_the_source() -> set[str]:
    found = {code for path in sources() for code in codes_in(ast.parse(path.read_text()))}
    sqlite = {
        f"STX-41{code & 0xFF:02}"
        for code, case in (CASES | EXTENDED).items()
        if Meaning.UNAVAILABLE in (case.before, case.at_commit)
    }
    return (found | sqlite) - {NO_CODE}


def rows() -> list[list[str]]:
    text = (ROOT / "docs" / "errors.md").read_text()
    cells = (
        [cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("| STX-")
    )
    return list(cells)


def test_the_table_has_one_whole_row_for_each_code() -> None:
    codes = [row[0] for row in rows()]
    assert codes == sorted(set(codes))
    assert set(codes) == in_the_source()
    assert all(len(row) == 4 and all(row) for row in rows())
    meanings = [row[2] for row in rows()]
    assert len(set(meanings)) == len(meanings)


def test_a_code_is_of_one_class() -> None:
    classes: dict[str, set[str]] = defaultdict(set)
    for path in sources():
        for kind, code in raised_in(ast.parse(path.read_text())):
            if kind in CLASSES:
                classes[code].add(kind)
    for name, error in CLASSES.items():
        if error.default_code != NO_CODE:
            classes[error.default_code].add(name)
    stated = {row[0]: {row[1]} for row in rows()}
    assert {code: kinds for code, kinds in classes.items() if kinds != stated[code]} == {}
    assert len(classes) > 50


def test_every_class_is_public_and_has_a_code_and_an_advice_of_its_own() -> None:
    defaults = []
    for name, kind in CLASSES.items():
        assert getattr(scalar_tx, name) is kind
        if kind is not errors.ScalarTxError:
            defaults.append((kind.default_code, kind.default_advice))
            assert kind.default_advice != errors.ScalarTxError.default_advice
    assert len({code for code, _ in defaults}) == len(defaults) == len(CLASSES) - 1
