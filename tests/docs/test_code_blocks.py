"""Every code block of the README and of docs/ runs, top to bottom, in an empty folder.

The README's twice: its example is what people paste first, and then again.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUNNABLE = {"python", "sh"}
SHOWN_ONLY = {"text", "json", "java", "properties", "sql"}
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def blocks(page: Path) -> Iterator[tuple[str, str, int]]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield found[1], found[2], text.count("\n", 0, found.start()) + 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "namespaces").symlink_to(ROOT / "namespaces")
    names: dict[str, object] = {"__name__": "__main__"}
    for language, code, line in blocks(page):
        assert language in RUNNABLE | SHOWN_ONLY, f"{page.name}:{line}: a block of {language!r}"
        if language == "python":
            for _ in range(2 if page.name == "README.md" else 1):
                exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)
        elif language == "sh":
            for command in code.splitlines():
                run(command, page, line)
    capsys.readouterr()


def run(command: str, page: Path, line: int) -> None:
    """Run a command of the library; of others see only that they could be run."""
    words = shlex.split(command, comments=True)
    if not words:
        return
    if words[0] in {"scalar-tx", "scalar-schema"}:
        program = str(Path(sys.executable).with_name(words[0]))
        done = subprocess.run(
            " ".join([shlex.quote(program), *command.split(maxsplit=1)[1:]]),
            shell=True,  # the documentation's own command, with its wildcards
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{page.name}:{line}: {command}\n{done.stdout}{done.stderr}"
    elif words[0] == "make":
        targets = TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
        assert words[1] in targets, f"{page.name}:{line}: there is no make {words[1]}"
    else:
        assert words[0] in {"pip", "cd", "git"}, f"{page.name}:{line}: unknown program {words[0]}"


def test_links_lead_somewhere() -> None:
    missing = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert not missing, "links to nothing: " + ", ".join(missing)
