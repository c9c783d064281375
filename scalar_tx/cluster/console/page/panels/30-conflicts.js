// Which tables do transactions get into each other's way at?

import { fill, made, marked, show, tableOf } from "/console/elements.js";
import { number } from "/console/formats.js";
import { Panel } from "/console/panel.js";

const COUNTED = "scalardb_conflict_total";
const MOST = 50; // rows
const nameOf = ({ labels }) => JSON.stringify([`${labels.namespace}.${labels.table}`, labels.cause]);

export default class Conflicts extends Panel {
  static title = "Conflicts by table";
  static link = "Conflicts";

  constructor(name, page) {
    super(name, page);
    this.note = marked("conflicts-note", made("p", "None was counted since the node began.", "note"));
    this.table = marked("conflicts-table", tableOf(["Table", "Cause", "A minute", "Since the node began"], "conflicts-rows"));
    show(this.table, false);
    this.section.append(this.note, this.table);
  }

  draw() {
    const now = this.page.samples.at(-1), before = this.page.samples[0];
    const earlier = new Map((before.metrics.get(COUNTED) || []).map((one) => [nameOf(one), one.value]));
    const minutes = (now.time - before.time) / 60;
    const found = (now.metrics.get(COUNTED) || [])
      .filter((one) => one.value > 0)
      .sort((one, other) => other.value - one.value)
      .slice(0, MOST);
    show(this.note, !found.length);
    show(this.table, found.length > 0);
    fill(this.table.tBodies[0], found.map((one) => [
      ...JSON.parse(nameOf(one)),
      minutes > 0 ? number((one.value - (earlier.get(nameOf(one)) || 0)) / minutes) : "–",
      one.value.toLocaleString("en"),
    ]));
  }
}
