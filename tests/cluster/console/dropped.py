"""Panels that somebody drops into a copy of the console: one that is well, and two that are not."""

from __future__ import annotations

from pathlib import Path

PAGE = Path("cluster", "console", "page", "panels")
SERVER = Path("cluster", "console", "panels")

WEATHER_JS = """// What is the weather like?
import { made } from "/console/elements.js";
import { Panel } from "/console/panel.js";

export default class Weather extends Panel {
  static title = "Weather here";
  static link = "Weather";
  static asks = "weather";

  constructor(name, page) {
    super(name, page);
    this.said = made("p", "not asked yet");
    this.section.append(this.said);
  }

  draw({ weather, open }) {
    this.said.textContent = `${weather}, ${open} open`;
  }
}
"""
WEATHER_PY = '''"""What is the weather like?"""

from scalar_tx.cluster.console.panel import Panel


async def _weather(asked):
    return await asked.of_one("weather")


def _calls(parts):
    async def weather(ask, caller):
        return {"weather": "dry", "open": parts.sessions.count}

    return {"weather": weather}


PANEL = Panel(reads={"weather": _weather}, calls=_calls)
'''
# Its drawing goes wrong, and it is no program at all.
CLUMSY_JS = """import { Panel } from "/console/panel.js";
export default class Clumsy extends Panel {
  static title = "Clumsy";
  draw() { throw new Error("it fell over"); }
}
"""
TORN_JS = "export default class {{"


def drop(package: Path) -> None:
    """Put them into a copy of ``scalar_tx``."""
    (package / PAGE / "25-weather.js").write_text(WEATHER_JS)
    (package / PAGE / "5-clumsy.js").write_text(CLUMSY_JS)
    (package / PAGE / "100-torn.js").write_text(TORN_JS)
    (package / SERVER / "weather.py").write_text(WEATHER_PY)
