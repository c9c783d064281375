// Who looks at a node, and what are its panels told? What they show is theirs: see panel.js.

import { parsed } from "/console/charts.js";
import { byId, made, show } from "/console/elements.js";
import { Panel } from "/console/panel.js";
import files from "/console/panels.js";

const EVERY = 2000; // ms between two samples
const KEPT = 31; // samples

const page = { session: { csrf: "" }, samples: [], ask, begin };
let busy = false;

class Refused extends Error {
  constructor(status, told) {
    super(told.advice ? `${told.message}. ${told.advice}.` : `${told.message}.`);
    this.status = status;
  }
}

async function ask(path, body) {
  const post = body !== undefined && {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": page.session.csrf },
    body: JSON.stringify(body),
  };
  const answer = await fetch(`/console/api/${path}`, post || {});
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, told.error || { message: `The node answers with ${answer.status}` });
  }
  return answer.json();
}

// The panels. What is wrong with one of them is said in its section, and stops no other.

async function panelOf(file) {
  const name = /^\d+-(.*)\.js$/.exec(file)[1];
  try {
    const { default: Kind } = await import(`/console/panels/${file}`);
    return new Kind(name, page);
  } catch (error) {
    const panel = new Panel(name, page);
    panel.title.textContent = name;
    panel.draw = () => { throw error; };
    return panel;
  }
}

const panels = await Promise.all(files.map(panelOf));
const state = new Map(panels.map((panel) => [panel, { due: 0, busy: false }]));
for (const panel of panels) {
  const link = made("a", panel.constructor.link || panel.title.firstChild.textContent);
  link.href = `#${panel.section.id}`;
  byId("sections").append(link, " ");
  byId("console").append(panel.section);
}

async function each(work) {
  await Promise.all(panels.map(async (panel) => {
    try {
      await work(panel);
    } catch (error) {
      panel.fail(error);
    }
  }));
}

// Who it is.

async function begin() {
  try {
    page.session = await ask("session");
  } catch (error) {
    return say("the node does not answer", "bad", error.message);
  }
  const { session } = page;
  byId("version").textContent = session.version;
  const within = !session.asks || session.user !== null;
  show(byId("log-in"), !within);
  show(byId("console"), within);
  show(byId("who"), session.asks && within);
  byId("user").textContent = session.superuser ? `${session.user}, superuser` : session.user || "";
  if (!within) {
    say("not logged in", "");
    page.samples = [];
    byId("log-in").elements.user.focus();
    return undefined;
  }
  say("…", "");
  for (const one of state.values()) one.due = 0;
  await Promise.all([each((panel) => panel.entered()), sample()]);
  return undefined;
}

byId("log-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, problem = byId("log-in-problem");
  const said = { user: form.elements.user.value, password: form.elements.password.value };
  form.elements.password.value = "";
  show(problem, false);
  try {
    await ask("log-in", said);
  } catch (error) {
    problem.textContent = error.message;
    show(problem, true);
    if (error.status === 403) await begin(); // the page was older than the node
    form.elements.password.focus();
    return;
  }
  form.reset();
  await begin();
  byId("content").focus();
});

byId("log-out").addEventListener("click", async () => {
  try {
    await ask("log-out", {});
  } finally {
    await each((panel) => panel.cleared());
    await begin();
  }
});

// What is seen.

function say(text, kind, trouble) {
  const badge = byId("state");
  badge.className = `badge ${kind}`;
  if (badge.textContent !== text) badge.textContent = text;
  const place = byId("trouble");
  show(place, Boolean(trouble));
  if (place.textContent !== (trouble || "")) place.textContent = trouble || "";
}

async function sample() {
  if (busy || document.hidden || byId("console").hidden) return;
  busy = true;
  try {
    const [overview, text] = await Promise.all([ask("overview"), fetch("/metrics").then((answer) => answer.text())]);
    page.samples = [...page.samples, { time: performance.now() / 1000, metrics: parsed(text) }].slice(-KEPT);
    sayHow(overview);
    drawAll(new Map([["overview", overview]]));
  } catch (error) {
    if (error.status === 401) await begin();
    else say("the node does not answer", "bad", error.message);
  } finally {
    busy = false;
  }
}

function sayHow(found) {
  if (found.leaving) say("leaving", "warning", found.trouble);
  else if (found.paused) say("paused", "warning", found.trouble);
  else say(found.ready ? "ready" : "not ready", found.ready ? "good" : "bad", found.trouble);
}

// `answers`: what is known already; what panels ask for besides holds up no sample.
function drawAll(answers) {
  const now = Date.now();
  const asked = new Map([...answers].map(([path, found]) => [path, Promise.resolve(found)]));
  each(async (panel) => {
    const { asks, every } = panel.constructor, mine = state.get(panel);
    if (mine.busy || now < mine.due) return;
    Object.assign(mine, { busy: true, due: every && now + every });
    try {
      if (asks && !asked.has(asks)) asked.set(asks, ask(asks));
      const found = await asked.get(asks);
      panel.draw(found);
      panel.fail(null);
    } finally {
      mine.busy = false;
    }
  });
}

setInterval(sample, EVERY);
document.addEventListener("visibilitychange", sample);
begin();
