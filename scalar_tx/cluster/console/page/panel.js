// What is a panel? A file in panels/, called like 25-name.js, that exports a class of this kind as
// its default. Its section is made here; it is found by being there. The number is its place.

import { made, marked, show } from "/console/elements.js";

export class Panel {
  static title = ""; // its heading
  static link = ""; // how the navigation calls it, where that is shorter
  static asks = ""; // what of /console/api is asked for it; panels that ask the same are asked for once
  static every = 0; // ms between two asks at least; 0: with each sample of the metrics

  // `page`: `ask(path, body)` asks the node, and posts where there is a body; `samples` are those of
  // the metrics, {time, metrics}, the latest last; `session` tells who it is; `begin()`, when the node
  // says 401, asks again who it is. A panel builds here what is in `this.section`.
  constructor(name, page) {
    this.page = page;
    this.title = marked(`${name}-title`, made("h2", this.constructor.title));
    this.trouble = made("p", undefined, "problem");
    this.trouble.setAttribute("role", "alert");
    this.section = marked(name, made("section"));
    this.section.setAttribute("aria-labelledby", this.title.id);
    this.section.append(this.title, this.trouble);
    this.fail(null);
  }

  entered() {} // somebody is logged in now; may be a promise

  draw(found) {} // `found`: what it asks for; where it asks nothing, a sample has come

  cleared() {} // somebody has logged out: what was theirs goes

  // What was asked was not answered; null: it is again.
  fail(error) {
    const text = error ? error.message : "";
    if (this.trouble.textContent !== text) this.trouble.textContent = text; // else it is read aloud again
    show(this.trouble, Boolean(error));
  }
}
