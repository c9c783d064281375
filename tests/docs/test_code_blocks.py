"""Every code block of the README and of docs/ runs, top to bottom, in an empty folder.

The README's twice: its example is what people paste first, and then again. Settings are loaded; a
file of settings that code opens (its first line is its name) stands there with SQLite files in the
place of servers, and for the README once more with real ones.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

import scalar_tx
from scalar_tx.settings import load
from tests.docs.sample_settings import placeholders, with_files, with_servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Cluster

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUNNABLE = {"python", "sh", "properties"}
SHOWN_ONLY = {"text", "json", "java", "sql"}
NAMED = re.compile(r"# (\w+\.properties)\n")
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def blocks(page: Path) -> Iterator[tuple[str, str, int]]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield found[1], found[2], text.count("\n", 0, found.start()) + 2


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to run in; what was connected there is closed afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as of a program that lies there
    (tmp_path / "namespaces").symlink_to(ROOT / "namespaces")
    connect, opened = scalar_tx.connect, []
    # A program can say only once where its spans go.
    monkeypatch.setattr(
        trace,
        "set_tracer_provider",
        lambda told: monkeypatch.setattr(trace, "get_tracer_provider", lambda: told),
    )

    def noted(*arguments: object, **settings: object) -> scalar_tx.TransactionManager:
        opened.append(connect(*arguments, **settings))  # type: ignore[arg-type]  # handed on
        return opened[-1]

    monkeypatch.setattr(scalar_tx, "connect", noted)
    yield tmp_path
    for one in opened:
        one.close()


# Where each command is a process of its own, or a node is started.
LONG = {
    "auditor.md",
    "building-a-service.md",
    "command-line.md",
    "coordinator.md",
    "operations.md",
    "schemas.md",
}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            marks=[pytest.mark.slow] if page.name in LONG else [],
            id=str(page.relative_to(ROOT)),
        )
        for page in PAGES
    ],
)
def test_blocks_run(
    page: Path, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_blocks(page, place, with_files, monkeypatch)
    capsys.readouterr()


def test_the_readme_runs_on_real_servers(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cassandra_server: Cluster,
    dynamodb_server: Cluster,
) -> None:
    servers = {"cassandra": cassandra_server, "dynamodb": dynamodb_server}
    run_blocks(ROOT / "README.md", place, lambda text: with_servers(text, servers), monkeypatch)
    capsys.readouterr()


def run_blocks(
    page: Path, place: Path, replaced: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for language, code, line in blocks(page):
        assert language in RUNNABLE | SHOWN_ONLY, f"{page.name}:{line}: a block of {language!r}"
        if language == "python":
            for _ in range(2 if page.name == "README.md" else 1):
                exec(compile("\n" * (line - 1) + code, str(page), "exec", dont_inherit=True), names)
        elif language == "sh":
            for command in code.splitlines():
                run(command, page, line)
        elif language == "properties":
            for name in placeholders(code):
                monkeypatch.setenv(name, "x")
            named = NAMED.match(code)
            file = place / (named[1] if named else "shown.properties")
            file.write_text(code, encoding="utf-8")
            load(file)
            if named:
                file.write_text(replaced(code), encoding="utf-8")


def run(command: str, page: Path, line: int) -> None:
    """Run a command of the library; of others see only that they could be run."""
    words = shlex.split(command, comments=True)
    if not words:
        return
    if words[0] in {"scalar-auditor", "scalar-tx", "scalar-schema"}:
        program = [str(Path(sys.executable).with_name(words[0]))]
        if words[0] == "scalar-auditor":
            program = [sys.executable, "-m", "scalar_auditor"]
        done = subprocess.run(
            " ".join([shlex.join(program), *command.split(maxsplit=1)[1:]]),
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
