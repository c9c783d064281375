// What is drawn of a node's metrics? Lines over the last four minutes, as SVG.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 130, LEFT = 50, BOTTOM = 18, TOP = 8;
const KEPT = 121; // samples

export class Chart {
  constructor(title, names, shown) {
    this.title = title;
    this.names = names;
    this.shown = shown;
    this.samples = []; // [time, values]
    this.element = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const heading = document.createElement("b");
    heading.textContent = title;
    this.values = names.map((_, index) => {
      const value = document.createElement("i");
      value.className = `s${index}`;
      return value;
    });
    caption.append(heading, ...this.values);
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("role", "img");
    this.element.append(caption, this.svg);
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  add(time, values) {
    this.samples.push([time, values]);
    if (this.samples.length > KEPT) this.samples.shift();
    this.draw();
  }

  draw() {
    const width = Math.max(200, this.element.clientWidth);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const latest = this.samples.at(-1);
    const words = this.names.map((name, index) => {
      const value = latest ? latest[1][index] : null;
      return `${name} ${value === null ? "–" : this.shown(value)}`;
    });
    this.values.forEach((element, index) => { element.textContent = words[index]; });
    this.svg.setAttribute("aria-label", `${this.title}: ${words.join(", ")}`);
    const all = this.samples.flatMap(([, values]) => values.filter((value) => value !== null));
    const most = ceiling(Math.max(0, ...all));
    const now = latest ? latest[0] : 0;
    const x = (time) => width - 4 - ((now - time) / 240) * (width - LEFT - 4);
    const y = (value) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
    const parts = [];
    for (const value of [0, most / 2, most]) {
      parts.push(made("line", { x1: LEFT, x2: width, y1: y(value), y2: y(value) }));
      parts.push(made("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, this.shown(value)));
    }
    parts.push(made("text", { x: LEFT, y: HEIGHT - 5 }, "4 min ago"));
    parts.push(made("text", { x: width - 2, y: HEIGHT - 5, "text-anchor": "end" }, "now"));
    this.names.forEach((_, index) => {
      parts.push(made("path", { class: `s${index}`, d: this.line(index, x, y) }));
    });
    this.svg.replaceChildren(...parts);
  }

  line(index, x, y) {
    let path = "", down = false;
    for (const [time, values] of this.samples) {
      const value = values[index];
      if (value === null || x(time) < LEFT) { down = false; continue; }
      path += `${down ? "L" : "M"}${x(time).toFixed(1)} ${y(value).toFixed(1)}`;
      down = true;
    }
    return path;
  }
}

function made(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// The next round number above.
function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => step * power >= value);
}

// Prometheus' text form: name -> [{labels, value}].
export function parsed(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!parts) continue;
    const labels = {};
    for (const [, name, value] of (parts[2] || "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name] = value.replace(/\\(.)/g, (_, char) => (char === "n" ? "\n" : char));
    }
    const value = parts[3] === "+Inf" ? Infinity : Number(parts[3]);
    if (!found.has(parts[1])) found.set(parts[1], []);
    found.get(parts[1]).push({ labels, value });
  }
  return found;
}

export function total(metrics, name) {
  const series = metrics.get(name);
  return series ? series.reduce((sum, one) => sum + one.value, 0) : null;
}

// How many a second between two samples; null where one of them has no such series.
export function rate(before, after, name) {
  if (!before) return null;
  const [from, to] = [total(before.metrics, name), total(after.metrics, name)];
  if (to === null) return null;
  return Math.max(0, to - (from ?? 0)) / Math.max(0.001, after.time - before.time);
}

// As Prometheus' histogram_quantile over what was counted between two samples.
export function quantile(before, after, share, name) {
  if (!before) return null;
  const earlier = new Map((before.metrics.get(`${name}_bucket`) || []).map((one) => [one.labels.le, one.value]));
  const buckets = (after.metrics.get(`${name}_bucket`) || [])
    .map((one) => [one.labels.le === "+Inf" ? Infinity : Number(one.labels.le), one.value - (earlier.get(one.labels.le) || 0)])
    .sort((one, other) => one[0] - other[0]);
  const count = buckets.length ? buckets.at(-1)[1] : 0;
  if (!(count > 0)) return null;
  let lower = 0, below = 0;
  for (const [upper, upTo] of buckets) {
    if (upTo >= share * count) {
      if (upper === Infinity) return lower;
      return lower + (upper - lower) * ((share * count - below) / Math.max(1, upTo - below));
    }
    [lower, below] = [upper, upTo];
  }
  return null;
}
