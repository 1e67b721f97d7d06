/** The list of runs, newest first, with a search in what is listed. */

import * as api from "./api.js";
import { el, setText } from "./dom.js";
import { brief, count, STATUSES, when } from "./words.js";

export class History {
  /** @type {any[]} */
  #runs = [];
  #more = false;
  #current = "";

  /** @param {HTMLElement} element */
  constructor(element) {
    const props = { id: "search", type: "search", autocomplete: "off", placeholder: "Search" };
    this.search = /** @type {HTMLInputElement} */ (
      el("input", { ...props, oninput: () => this.#paint() })
    );
    this.list = el("ul", { class: "runs" });
    this.note = el("p", { class: "muted", role: "status" });
    this.older = el("button", { type: "button", hidden: true, onclick: () => this.#loadOlder() });
    setText(this.older, "Older runs");
    const label = el("label", { for: "search", class: "unseen", text: "Search in the history" });
    element.replaceChildren(label, this.search, this.list, this.note, this.older);
  }

  /** Reads the newest runs again; what was read of older ones stays. */
  async refresh() {
    try {
      const { runs, more } = await api.runs(null);
      const known = new Set(runs.map(({ id }) => id));
      const last = runs.at(-1)?.created ?? 0;
      const older = this.#runs.filter(({ id, created }) => !known.has(id) && created < last);
      this.#more = older.length ? this.#more : more;
      this.#runs = [...runs, ...older];
      this.#paint();
    } catch (error) {
      setText(this.note, error.message);
    }
  }

  async #loadOlder() {
    this.older.disabled = true;
    try {
      const { runs, more } = await api.runs(this.#runs.at(-1)?.id ?? null);
      this.#runs.push(...runs);
      this.#more = more;
      this.#paint();
    } catch (error) {
      setText(this.note, error.message);
    } finally {
      this.older.disabled = false;
    }
  }

  /** Marks the run that the page shows. @param {string} id */
  mark(id) {
    this.#current = id;
    for (const link of this.list.querySelectorAll("a")) {
      if (link.dataset.run === id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  #paint() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (run) => `${run.question} ${run.answer ?? ""} ${run.panel}`.toLowerCase();
    const found = this.#runs.filter((run) => words.every((word) => text(run).includes(word)));
    this.list.replaceChildren(...found.map(entry));
    this.mark(this.#current);
    this.older.hidden = !this.#more;
    setText(this.note, this.#noteOn(found.length, words.length > 0));
  }

  #noteOn(found, searched) {
    if (!this.#runs.length) return "Runs will be listed here.";
    if (!searched) return "";
    const among = `${found || "None"} of ${count(this.#runs.length, "listed run")} ${found === 1 ? "has" : "have"} it.`;
    return this.#more ? `${among} Older ones are not listed yet.` : among;
  }
}

/** @returns {HTMLElement} */
function entry(run) {
  const told = [STATUSES[run.status] ?? run.status, when(run.created), run.panel];
  const facts = told.filter(Boolean).join(" · ");
  const link = el(
    "a",
    { href: `#/run/${encodeURIComponent(run.id)}` },
    el("span", { class: "question", dir: "auto", text: brief(run.question, 90) || "No words" }),
    el("span", { class: "muted", text: facts }),
  );
  link.dataset.run = run.id;
  return el("li", { class: `run ${run.status.replace(/\W/g, "-")}` }, link);
}
