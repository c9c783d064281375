"""Which tests run, and how a run says what it left out.

``make test`` leaves out the groups below: they need Java, servers, or minutes.
``SCALAR_TX_STRICT=1`` runs everything and takes a skip for a failure. Their markers, and the words
printed for them, stand in pyproject.toml. A marker expression of your own (``-m java``) is obeyed
as it stands.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.servers.kinds import kinds_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

# A test that forks must not meet gRPC's own work in its child: it needs none, and now and then the
# child ended by SIGSEGV. Read when gRPC first starts.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

pytest_plugins = ["tests.servers.fixtures"]

SERVICES = Path(__file__).parent / "services"
ANYWHERE = {
    "audit/test_sets.py",
    "client/test_methods.py",
    "event/test_ingest.py",
    "identity/test_accounts.py",
    "item/test_items.py",
    "verification/test_registering.py",
}
GROUPS = (
    "cargo",
    "java",
    "kill",
    "servers",
    "slow",
    "nodes",
    "manifests",
    "browser",
    "services",
)
STRICT = "SCALAR_TX_STRICT"

# A file whose tests all belong to one group says so on a line of its own.
WHOLE_FILE = re.compile(rf"^pytestmark = pytest\.mark\.({'|'.join(GROUPS)})\b", re.MULTILINE)

left_out_key = pytest.StashKey[Counter[tuple[str, str]]]()

# Time limits of single examples say more about the machine's other work than about the code.
hypothesis.settings.register_profile("scalar_tx", deadline=None, print_blob=True)
hypothesis.settings.load_profile("scalar_tx")


def strict() -> bool:
    """Whether everything must run; a value that means neither yes nor no is refused."""
    value = os.environ.get(STRICT, "")
    if value not in {"", "0", "1"}:
        msg = f"{STRICT} is {value!r}: set it to 1 (everything, no skips) or to 0"
        raise pytest.UsageError(msg)
    return value == "1"


def group_of(item: pytest.Item) -> str | None:
    """The first of the groups that the test belongs to."""
    return next((group for group in GROUPS if item.get_closest_marker(group)), None)


def leaves_out(config: pytest.Config) -> bool:
    """Whether this run does without the groups."""
    return not strict() and not config.option.markexpr


@pytest.hookimpl(tryfirst=True)
def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file that has nothing to run is not imported: that takes longer than many a test."""
    if not leaves_out(config) or not collection_path.match("test_*.py"):
        return None
    group = group_of_services(collection_path)
    if group is None and (said := WHOLE_FILE.search(collection_path.read_text())):
        group = said[1]
    if group is None:
        return None
    config.stash[left_out_key][group, "file"] += 1
    return True


def group_of_services(path: Path) -> str | None:
    """Of the five services one file each runs wherever tests do; the rest is a group."""
    if SERVICES not in path.parents or path.relative_to(SERVICES).as_posix() in ANYWHERE:
        return None
    return "services"


def together(item: pytest.Item) -> str:
    """Tests of one name run in one process, which makes what they share once.

    A server is shared by the tests of its kind in one folder (and in others that the same process
    happens to run); who wants several goes with the first of them. Java programs are built by one
    process, and tools for manifests fetched by one.
    """
    if kinds := kinds_of(item):
        folders = item.nodeid.split("/")[:-1]
        return f"servers: {kinds[0]} in {'/'.join(folders[:2])}"
    for fetched in ("java", "manifests"):
        if item.get_closest_marker(fetched):
            return fetched
    return item.nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Tests of servers mostly wait for them; some of the others wait too."""
    processors = os.cpu_count() or 1
    return 2 * processors if strict() else processors + 1


def pytest_configure(config: pytest.Config) -> None:
    config.stash[left_out_key] = Counter()
    if strict():  # a wrong value ends the run here, not after its tests
        # The order made below stands; xdist would start what has few tests, and takes long, last.
        config.option.loadscopereorder = False


@pytest.hookimpl(wrapper=True)  # before xdist reads the groups
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    for item in items:
        if group := group_of_services(item.path):
            item.add_marker(group)
        item.add_marker(pytest.mark.xdist_group(together(item)))
    yield
    if strict():
        items.sort(key=lambda item: group_of(item) is None)
    if not leaves_out(config):
        return
    groups = {item: group for item in items if (group := group_of(item))}
    config.stash[left_out_key].update((group, "test") for group in groups.values())
    config.hook.pytest_deselected(items=list(groups))
    items[:] = [item for item in items if item not in groups]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker process tells the one that writes the summary what it left out."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        left_out = session.config.stash[left_out_key]
        output["left out"] = [[*what, count] for what, count in left_out.items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker leaves out the same tests: whose word is taken does not matter."""
    told: list[tuple[str, str, int]] = getattr(node, "workeroutput", {}).get("left out", [])
    if told:
        counted = Counter({(group, what): count for group, what, count in told})
        node.config.stash[left_out_key] = counted


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_skipped(report)
    return report


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under strict a skip is a failure; an expected failure did run, and stays what it is."""
    if strict() and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"left out although {STRICT}=1: {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    yield  # what was left out is said last, after the failures
    config = terminalreporter.config
    left_out = config.stash[left_out_key]
    if strict():
        terminalreporter.section("strict")
        terminalreporter.line(f"{STRICT}=1: no group was left out, and a skip is a failure")
    elif left_out:
        words = dict(line.split(": ", 1) for line in config.getini("markers") if ": " in line)
        terminalreporter.section("left out")
        for group in sorted({group for group, _ in left_out}):
            terminalreporter.line(f"{_counted(left_out, group):>20}  {words[group]}")
        terminalreporter.line(f"everything, nothing skipped:  {STRICT}=1 make test")


def _counted(left_out: Counter[tuple[str, str]], group: str) -> str:
    """How many whole files, and how many tests of other files."""
    counts = [(left_out[group, what], what) for what in ("file", "test")]
    return ", ".join(f"{count} {what}{'s' * (count > 1)}" for count, what in counts if count)
