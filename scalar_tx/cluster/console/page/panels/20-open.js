// Which transactions are open, whose are they, and for how long?

import { fill, made, marked, tableOf } from "/console/elements.js";
import { seconds } from "/console/formats.js";
import { Panel } from "/console/panel.js";

export default class Open extends Panel {
  static title = "Open transactions";
  static link = "Open";
  static asks = "overview";

  constructor(name, page) {
    super(name, page);
    this.count = marked("open-count", made("span", undefined, "count"));
    this.title.append(" ", this.count);
    this.note = marked("open-note", made("p", "", "note"));
    const scroll = made("div", undefined, "scroll");
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-labelledby", this.title.id);
    scroll.tabIndex = 0;
    const table = tableOf(["Transaction", "Owner", "Age", "At rest", "Worker"], "open-rows");
    this.rows = table.tBodies[0];
    scroll.append(table);
    this.section.append(this.note, scroll);
  }

  draw({ count, transactions: listed }) {
    const oldest = listed.length ? `, the oldest for ${seconds(listed[0].age)}` : "";
    this.count.textContent = `${count.toLocaleString("en")}${oldest}`;
    this.note.textContent = this.what(count, listed);
    fill(this.rows, listed.map((one) => [one.id, one.owner, seconds(one.age), one.rest ? seconds(one.rest) : "at work", String(one.worker)]));
  }

  what(count, listed) {
    if (!count) return "None is open.";
    if (listed.length >= count) return "";
    if (this.page.session.superuser) return `The ${listed.length} oldest are shown.`;
    return `Yours are shown: ${listed.length}${listed.length === 100 ? " oldest" : ""}.`;
  }

  cleared() {
    this.rows.replaceChildren();
  }
}
