/** A run as the page shows it, from its first event or from its end. */

import * as api from "./api.js";
import { announceable } from "./announcements.js";
import { Card } from "./card.js";
import { Composer } from "./composer.js";
import { announce, el, setText, withNextFrame } from "./dom.js";
import { follow } from "./events.js";
import { findings } from "./findings.js";
import { Prose } from "./prose.js";
import { RunBar } from "./run_bar.js";
import { conclude, fold, newState } from "./run_state.js";
import { brief, count, label } from "./words.js";

const TICK = 500;
/** What changes more than a card and the answer. */
const TURNS = /^(?:run|strategy|round)\.|^convergence|^expert\.(?:started|finished|failed|cancelled)/;

export class RunView {
  /** @type {Map<string, Card>} */
  #cards = new Map();
  /** @type {Set<string>} Labels of seats whose card is to be painted. */
  #changed = new Set();
  #turned = true;
  #ended = new AbortController();
  #timer = 0;

  /**
   * @param {string} id
   * @param {string} follows The run before it in its conversation; empty where that is not known.
   * @param {{panels: any[], strategies: string[]}} offer Whom one can ask, and how.
   * @param {() => void} onChange Called when the history has something new.
   */
  constructor(id, follows, offer, onChange) {
    Object.assign(this, { id, follows, offer, onChange });
    this.state = newState(id);
    this.panel = "";
    this.bar = new RunBar(id, () => this.#asked());
    this.question = el("h1", { class: "question", dir: "auto", tabindex: "-1" }, "Run");
    const answer = el("div", { class: "prose answer", dir: "auto" });
    this.prose = new Prose(answer);
    this.waiting = el("p", { class: "waiting", text: "Reading the run …" });
    this.cards = el("ul", { class: "cards" });
    this.findings = el("section", { "aria-labelledby": "findings", hidden: true });
    this.next = el("div");
    this.element = el("article", { class: "run-view" }, ...this.#sections(answer));
  }

  #sections(answer) {
    const before = `#/run/${encodeURIComponent(this.follows)}`;
    const link = this.follows && el("p", { class: "muted" }, el("a", { href: before, text: "The question before" }));
    const part = (id, title, ...inner) =>
      el("section", { "aria-labelledby": id }, el("h2", { id, text: title }), ...inner);
    return [
      ...[link, this.question, this.bar.element],
      part("answer", "Answer", this.waiting, answer),
      part("experts", "Experts", this.cards),
      ...[this.findings, this.next],
    ];
  }

  #asked() {
    const { question, strategy } = this.state;
    const own = this.offer.panels.find(({ name }) => name === this.panel)?.strategy;
    const other = strategy === own ? "" : strategy;
    return { panel: this.panel, question, strategy: other, follows: this.follows };
  }

  /** Reads the run and shows it; returns when it is over, or when it is not looked at any more. */
  async open() {
    try {
      const run = await api.run(this.id);
      if (this.#ended.signal.aborted) return;
      this.panel = run.panel;
      Object.assign(this.state, { question: run.question, strategy: run.strategy });
      if (run.result) this.#concludeAtOnce(run.result);
      // What is written has its own height; what is being written keeps one, so that nothing jumps.
      this.cards.classList.toggle("written", run.result !== null);
      this.#paintAll();
      if (!run.result) await this.#watch();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Takes in a run that was over before anybody looked: a quick one, or one of the history. */
  #concludeAtOnce(result) {
    conclude(this.state, result);
    announce(announceable(this.state, { type: "run.finished", result }));
  }

  async #watch() {
    this.#timer = setInterval(() => this.#tick(), TICK);
    const take = (events) => this.#take(events);
    try {
      await follow(this.id, take, (found) => this.bar.connection(found), this.#ended.signal);
    } catch (error) {
      // A gateway that began anew may know less of a run than this page: then its word counts.
      if (error.status !== 400) throw error;
      this.state = newState(this.id);
      return void (await this.open());
    } finally {
      clearInterval(this.#timer);
    }
    if (this.state.result) this.onChange();
  }

  #fail(error) {
    if (this.#ended.signal.aborted) return;
    setText(this.question, "This run cannot be shown");
    this.element.replaceChildren(this.question, el("p", { class: "problem", role: "alert", text: error.message }));
  }

  /** Nobody looks at it any more; the run itself goes on. */
  close() {
    this.#ended.abort();
    clearInterval(this.#timer);
  }

  /** @param {any[]} events */
  #take(events) {
    const now = performance.now();
    const told = [];
    for (const event of events) {
      const sentence = fold(this.state, event, now);
      if (sentence) told.push(sentence);
      if (event.expert) this.#changed.add(label(event.expert, event.sample));
      if (TURNS.test(event.type)) this.#turned = true;
    }
    // Who comes late hears where things stand, not all that has been.
    told.slice(-4).forEach(announce);
    withNextFrame(this.#paint);
  }

  #paintAll() {
    for (const piece of this.state.pieces.values()) this.#changed.add(piece.label);
    this.#turned = true;
    this.#paint();
  }

  #paint = () => {
    const { state } = this;
    if (state.result) for (const piece of state.pieces.values()) this.#changed.add(piece.label);
    if (this.#turned) this.#paintTurn();
    const latest = this.#latest();
    for (const name of this.#changed) {
      const piece = latest.get(name);
      if (piece) this.#card(piece).show(piece, this.#at());
    }
    for (const name of this.#changed) this.#cards.get(name)?.settle();
    this.#changed.clear();
    this.prose.show(state.answer, state.result !== null);
    this.waiting.hidden = state.answer !== "";
    setText(this.waiting, this.#whatIsAwaited());
  };

  /** @returns {Map<string, import("./run_state.js").Piece>} By seat what it wrote last. */
  #latest() {
    const found = new Map();
    for (const piece of this.state.pieces.values()) {
      if (piece.stage === "answer" || piece.stage.startsWith("round-")) found.set(piece.label, piece);
    }
    return found;
  }

  #card(piece) {
    const known = this.#cards.get(piece.label);
    if (known) return known;
    const made = new Card(piece.label, piece.model);
    this.#cards.set(piece.label, made);
    this.cards.append(made.element);
    return made;
  }

  #paintTurn() {
    const { state } = this;
    this.#turned = false;
    setText(this.question, state.question);
    document.title = `${brief(state.question, 60)} · council`;
    for (const piece of this.#latest().values()) this.#changed.add(piece.label);
    this.bar.show(state, this.#at());
    this.#paintFindings();
    if (state.result && !this.next.firstChild) this.#offerNext();
  }

  #paintFindings() {
    const parts = findings(this.state);
    const open = new Set([...this.findings.querySelectorAll("details[open]")].map(partOf));
    const focused = this.findings.contains(document.activeElement) && partOf(document.activeElement);
    const title = el("h2", { id: "findings", text: "How the answer came about" });
    this.findings.hidden = !parts.length;
    this.findings.replaceChildren(title, ...parts);
    for (const part of this.findings.querySelectorAll("details")) {
      part.open = open.has(partOf(part));
      if (focused && partOf(part) === focused) part.querySelector("summary").focus();
    }
  }

  #offerNext() {
    if (this.state.result.answer === null) return;
    const options = { ...this.offer, title: "Follow-up question", follows: this.id };
    this.next.append(new Composer({ ...options, panel: this.panel }).element);
  }

  #whatIsAwaited() {
    const { result, round, standIns, discarded } = this.state;
    if (result) return result.answer === null ? "There is no answer." : "The answer is empty.";
    const told = [...discarded.map((why) => `Begun anew: ${why}`), ...standIns];
    if (round) return [`Round ${round} is under way.`, ...told].join(" ");
    const first = [...this.state.pieces.values()].filter(({ stage }) => stage === "answer");
    const over = first.filter(({ reply }) => reply !== null).length;
    if (!first.length) return "Waiting for the run to begin …";
    if (over < first.length) {
      return `The experts are answering: ${over} of ${count(first.length, "answer")} there.`;
    }
    return ["All experts have answered; the panel decides.", ...told].join(" ");
  }

  /** @returns {number} Seconds since the run started. */
  #at() {
    const { began } = this.state;
    return began === null ? 0 : (performance.now() - began) / 1000;
  }

  #tick() {
    const at = this.#at();
    this.bar.tick(this.state, at);
    for (const piece of this.#latest().values()) {
      if (piece.reply === null) this.#cards.get(piece.label)?.tick(piece, at);
    }
  }
}

/** @param {Element} element @returns {string|undefined} The name of the part that it is in. */
function partOf(element) {
  return element.closest("details")?.dataset.part;
}
