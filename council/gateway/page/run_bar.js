/** The line under a question: how the run stands, what it took, and what one can do with it. */

import * as api from "./api.js";
import { isUnderWay } from "./card.js";
import { start } from "./composer.js";
import { announce, el, setText } from "./dom.js";
import { copy, download } from "./share.js";
import { count, money, seconds, STATUSES } from "./words.js";

/** @typedef {import("./run_state.js").RunState} RunState */

export class RunBar {
  /**
   * @param {string} id The run.
   * @param {() => {panel: string, question: string, strategy: string, follows?: string}} asked
   *   What was asked, to ask it again.
   */
  constructor(id, asked) {
    this.status = el("span", { class: "pill", text: STATUSES.running });
    this.facts = el("span", { class: "facts" });
    this.said = el("p", { class: "muted said", role: "status" });
    this.stop = this.#button("Stop", () => api.cancel(id), "Stopping");
    const again = this.#button("Ask again", () => start(asked()));
    const file = this.#button("Save as HTML", () => download(id), "", "The file was saved.");
    const markdown = this.#button("Copy as Markdown", async () => {
      if (await copy(id)) setText(this.said, "Copied.");
    });
    const remove = this.#button("Delete", () => this.#delete(id));
    this.after = el("span", { class: "buttons", hidden: true }, again, file, markdown, remove);
    const line = el("div", { class: "bar" }, this.status, this.facts, this.stop, this.after);
    this.remarks = el("ul", { class: "remarks", hidden: true });
    this.element = el("div", {}, line, this.said, this.remarks);
  }

  /** @param {string} id */
  async #delete(id) {
    if (!confirm("Delete this run? It cannot be brought back.")) return;
    await api.remove(id);
    location.hash = "#/";
  }

  /** A button that is off while what it does goes on, and that says what became of it. */
  #button(text, act, meanwhile = "", afterwards = "") {
    const button = /** @type {HTMLButtonElement} */ (el("button", { type: "button", text }));
    button.addEventListener("click", async () => {
      button.disabled = true;
      setText(this.said, meanwhile);
      try {
        await act();
        if (afterwards) setText(this.said, afterwards);
      } catch (error) {
        setText(this.said, error.message);
      } finally {
        button.disabled = false;
      }
    });
    return button;
  }

  /**
   * @param {RunState} state
   * @param {number} at Seconds since the run started.
   */
  show(state, at) {
    const { result } = state;
    const stopped = result?.error?.kind === "interrupted";
    const status = stopped ? "interrupted" : (result?.status ?? "running");
    this.status.dataset.status = status;
    setText(this.status, stopped ? "Stopped" : STATUSES[status]);
    this.tick(state, at);
    if (!result || !this.after.hidden) return;
    const focused = document.activeElement === this.stop;
    this.stop.hidden = true;
    this.after.hidden = false;
    setText(this.said, "");
    if (focused) /** @type {HTMLElement} */ (this.after.firstElementChild).focus();
    this.#remark(result);
  }

  /** Shows what it has taken by now. */
  tick(state, at) {
    setText(this.facts, facts(state, at));
  }

  #remark(result) {
    const remarks = [
      ...(result.error ? [result.error.message] : []),
      ...result.reasons,
      ...result.warnings.map((warning) => `Note: ${warning}`),
    ];
    this.remarks.hidden = !remarks.length;
    this.remarks.dataset.status = result.status;
    this.remarks.replaceChildren(...remarks.map((text) => el("li", { text })));
  }

  /** @param {boolean} connected */
  connection(connected) {
    if (!connected) announce("The connection is lost; trying again.");
    setText(this.said, connected ? "" : "The connection to the gateway is lost; trying again …");
  }
}

/** @returns {string} */
function facts(state, at) {
  const { result } = state;
  if (!result) {
    const pieces = [...state.pieces.values()];
    const busy = pieces.filter(isUnderWay).length;
    const told = busy ? `${busy} writing` : "";
    return [state.strategy, seconds(Math.max(0, at)), told].filter(Boolean).join(" · ");
  }
  const by = result.decided_by ? ` by ${result.decided_by}` : "";
  const agreement = result.agreement;
  return [
    agreement ? `${agreement.agree} of ${agreement.of} agree` : "",
    `${result.strategy}${by}`,
    seconds(result.seconds),
    count(result.usage.prompt_tokens + result.usage.completion_tokens, "token"),
    money(result.cost),
    result.saved ? `${count(result.saved, "request")} saved` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
