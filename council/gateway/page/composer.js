/** The form that asks a question: a new one, or one that follows up on a run. */

import * as api from "./api.js";
import { el, setText } from "./dom.js";

let made = 0;

/**
 * @typedef {object} ComposerOptions
 * @property {any[]} panels As the gateway lists them.
 * @property {string[]} strategies Those that any panel may be asked with.
 * @property {string} title What the field is called.
 * @property {string} [follows] The run that the question follows up on.
 * @property {string} [panel] The panel that is chosen at first.
 */

export class Composer {
  /** @param {ComposerOptions} options */
  constructor(options) {
    this.options = options;
    const id = `question-${(made += 1)}`;
    this.field = /** @type {HTMLTextAreaElement} */ (
      el("textarea", { id, rows: "3", required: true, "aria-keyshortcuts": "Control+Enter Meta+Enter" })
    );
    this.field.addEventListener("keydown", (event) => this.#onKey(event));
    this.button = el("button", { class: "primary", text: "Ask the panel" });
    this.problem = el("p", { class: "problem", role: "alert" });
    this.about = el("p", { class: "muted about" });
    this.element = el(
      "form",
      { class: "composer", onsubmit: (event) => this.#submit(event) },
      el("label", { for: id, class: "title", text: options.title }),
      this.field,
      el("div", { class: "choices" }, ...this.#choices(), el("span", { class: "push" }), this.button),
      this.problem,
      this.about,
    );
    this.#describe();
  }

  #choices() {
    const { panels, strategies, panel } = this.options;
    this.panel = select(panels.map(({ name }) => [name, name]), panel);
    this.panel.addEventListener("change", () => this.#describe());
    this.strategy = select([["", "the panel's own"], ...strategies.map((name) => [name, name])]);
    return [labelled("Panel", this.panel), labelled("Strategy", this.strategy)];
  }

  /** Says who is going to be asked. */
  #describe() {
    const found = this.options.panels.find(({ name }) => name === this.panel.value);
    if (!found) return;
    this.strategy.options[0].textContent = `the panel's own (${found.strategy})`;
    const seats = found.experts.map(({ id, model, samples }) => {
      const times = samples > 1 ? ` ×${samples}` : "";
      return id === model ? `${id}${times}` : `${id}${times} (${model})`;
    });
    setText(this.about, `Ctrl + Enter asks ${seats.join(", ")}.`);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    /** @type {HTMLFormElement} */ (this.element).requestSubmit();
  }

  /** @param {Event} event */
  async #submit(event) {
    event.preventDefault();
    const question = this.field.value.trim();
    if (!question || this.button.disabled) return;
    this.button.disabled = true;
    setText(this.problem, "");
    const { follows } = this.options;
    try {
      await start({ panel: this.panel.value, question, strategy: this.strategy.value, follows });
    } catch (error) {
      setText(this.problem, error.message);
      this.button.disabled = false;
    }
  }
}

/**
 * Starts a run and goes to it.
 * @param {{panel: string, question: string, strategy?: string, follows?: string}} asked
 * @throws {api.Refused}
 */
export async function start({ panel, question, strategy, follows }) {
  const body = { question };
  if (panel) body.panel = panel;
  if (strategy) body.strategy = strategy;
  if (follows) body.continue = follows;
  const { id } = await api.ask(body);
  const after = follows ? `/after/${encodeURIComponent(follows)}` : "";
  location.hash = `#/run/${encodeURIComponent(id)}${after}`;
}

/**
 * @param {[string, string][]} choices Values and what they are called.
 * @param {string} [chosen]
 * @returns {HTMLSelectElement}
 */
function select(choices, chosen) {
  const options = choices.map(([value, text]) =>
    el("option", { value, text, selected: value === chosen }),
  );
  return /** @type {HTMLSelectElement} */ (el("select", {}, ...options));
}

/** @param {string} title @param {HTMLElement} control @returns {HTMLElement} */
function labelled(title, control) {
  control.id = `choice-${(made += 1)}`;
  return el("div", { class: "choice" }, el("label", { for: control.id, text: title }), control);
}
