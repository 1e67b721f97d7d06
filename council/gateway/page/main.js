/** Where the page begins: the address after the # says what is shown. */

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { el } from "./dom.js";
import { History } from "./history.js";
import { RunView } from "./run_view.js";

const RUN = /^#\/run\/([\w.~-]+)(?:\/after\/([\w.~-]+))?$/;

class Page {
  /** @type {RunView|null} */
  #view = null;
  /** @type {{panels: any[], strategies: string[]}} Whom one can ask, and how. */
  #offer = { panels: [], strategies: [] };

  constructor() {
    this.main = document.getElementById("main");
    this.history = new History(document.getElementById("history-body"));
  }

  async start() {
    window.addEventListener("hashchange", () => this.#onAddress());
    document.addEventListener("click", (event) => this.#onClick(event));
    try {
      this.#offer = await api.panels();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#show(false);
    await this.history.refresh();
  }

  #fail(error) {
    const again = el("button", { type: "button", class: "primary", text: "Try again" });
    again.addEventListener("click", () => location.reload());
    const problem = el("p", { class: "problem", role: "alert", text: error.message });
    this.main.replaceChildren(el("h1", { text: "council" }), problem, again);
  }

  /** Places in the page are gone to without changing the address, which says what is shown. */
  #onClick(event) {
    const link = event.target.closest?.('a[href="#main"], a[href="#history"]');
    if (!link) return;
    event.preventDefault();
    const place = document.getElementById(link.getAttribute("href").slice(1));
    place.scrollIntoView();
    place.focus();
  }

  #onAddress() {
    this.#show(true);
    this.history.refresh();
  }

  /** @param {boolean} moved Whether the reader came from another view, and so is taken along. */
  #show(moved) {
    this.#view?.close();
    this.#view = null;
    const found = RUN.exec(location.hash);
    this.history.mark(found ? found[1] : "");
    if (found) this.#showRun(found[1], found[2] ?? "", moved);
    else this.#showForm();
  }

  #showForm() {
    document.title = "council";
    const composer = new Composer({ ...this.#offer, title: "Ask the panel a question" });
    const title = el("h1", { class: "unseen", text: "New question" });
    this.main.replaceChildren(el("div", { class: "start" }, title, composer.element));
    composer.field.focus({ preventScroll: true });
  }

  /** @param {string} id @param {string} follows @param {boolean} moved */
  #showRun(id, follows, moved) {
    const view = new RunView(id, follows, this.#offer, () => this.history.refresh());
    this.#view = view;
    this.main.replaceChildren(view.element);
    if (moved) {
      window.scrollTo(0, 0);
      view.question.focus({ preventScroll: true });
    }
    view.open();
  }
}

new Page().start();
