"""A real Prometheus that scrapes a node and evaluates our rules."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster.node.running import until
from tests.kubernetes.rule_files import rule_files
from tests.kubernetes.tools import prometheus
from tests.servers import places

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOB = "scalardb-cluster"


class Prometheus:
    """What a running Prometheus answers."""

    def __init__(self, port: int) -> None:
        self._page = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer. AssertionError: it does not take the question."""
        page = f"{self._page}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(page, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Series, each with its labels, and their values now."""
        found = self.get("query", query=expression)["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def value(self, expression: str) -> float:
        """Of the one series that there is."""
        [(_, found)] = self.query(expression)
        return found

    def series(self, prefix: str = "scalardb_") -> set[str]:
        """Every series that the job shows now, by its name, which begins so, and labels."""
        return {
            json.dumps(labels, sort_keys=True)
            for labels, _ in self.query(f'{{job="{JOB}", __name__=~"{prefix}.+"}}')
        }

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._page}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def scraped(self) -> int:
        """How often its targets have been scraped."""
        found = self.query(f'count_over_time(up{{job="{JOB}"}}[1h])')
        return int(found[0][1]) if found else 0


@contextmanager
def scraping(folder: Path, target: str) -> Iterator[Prometheus]:
    """Start one that looks at a target every second, with all our rules; end it."""
    folder.mkdir()
    files = []
    for file in rule_files():
        files.append(f"{file.path.stem}.yaml")
        (folder / files[-1]).write_text(yaml.safe_dump(dict(file.spec)))
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": files,
        "scrape_configs": [
            {
                "job_name": JOB,
                "metrics_path": "/metrics",
                "honor_labels": True,
                "static_configs": [{"targets": [target], "labels": {}}],
            }
        ],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    port = places.free_port("127.0.0.1")
    command = [
        prometheus(),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        found = Prometheus(port)
        until(lambda: process.poll() is None and found.ready(), "Prometheus is not ready", 60)
        yield found
    except AssertionError as error:
        error.add_note(log.read_text(errors="replace")[-2000:])
        raise
    finally:
        process.kill()
        process.wait(10)
