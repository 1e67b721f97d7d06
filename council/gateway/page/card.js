/** One seat of the panel: who it is, how it is doing, and what it writes. */

import { clean, details, el, setText } from "./dom.js";
import { Prose } from "./prose.js";
import { pace } from "./run_state.js";
import { count, seconds, stageName, STATES } from "./words.js";

/** @typedef {import("./run_state.js").Piece} Piece */

const UNDER_WAY = ["asked", "thinking", "writing"];

/** Shows one piece: its thinking, its tools and its text. */
class PieceView {
  #thinking = null;
  #tools = null;
  #toolsSaid = "";

  /** @param {string} name What the text is, for who hears the page. */
  constructor(name) {
    this.text = el("div", { class: "prose", dir: "auto" });
    this.prose = new Prose(this.text);
    this.problem = el("p", { class: "problem", hidden: true });
    this.notice = el("p", { class: "notice", hidden: true });
    const scroll = { class: "scroll", tabindex: "0", role: "region", "aria-label": name };
    this.element = el("div", scroll, this.notice, this.text, this.problem);
    this.#stayAtTheEnd();
  }

  /** Follows the text as long as nobody has scrolled up. */
  #stayAtTheEnd() {
    this.following = true;
    this.moved = false;
    this.over = false;
    this.element.addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = this.element;
      this.following = scrollTop + clientHeight >= scrollHeight - 24;
    });
  }

  /** @param {Piece} piece */
  show(piece) {
    this.over = piece.reply !== null;
    if (piece.reasoning) this.#showThinking(piece.reasoning);
    this.#showTools(piece.tools);
    this.notice.hidden = !piece.notice;
    setText(this.notice, piece.notice);
    const changed = this.prose.show(piece.text, this.over);
    this.#showProblem(piece);
    this.moved ||= changed && this.following;
  }

  /** Goes to the end of what is being written, and to the beginning of what is. */
  settle() {
    if (this.moved) this.element.scrollTop = this.over ? 0 : this.element.scrollHeight;
    this.moved = false;
  }

  #showThinking(reasoning) {
    if (!this.#thinking) {
      const text = el("div", { class: "prose" });
      const part = details("Thinking", { class: "thinking", note: " " }, text);
      const prose = new Prose(text);
      this.#thinking = { part, prose, note: part.querySelector(".note"), reasoning: "" };
      part.addEventListener("toggle", () => this.#paintThinking());
      this.text.before(part);
    }
    this.#thinking.reasoning = reasoning;
    this.#paintThinking();
  }

  /** Thoughts that nobody looks at cost nothing. */
  #paintThinking() {
    const { part, prose, note, reasoning } = this.#thinking;
    setText(note, count(reasoning.length, "character"));
    if (part.open) prose.show(reasoning, this.over);
  }

  #showTools(tools) {
    if (!tools.length) return;
    const lines = tools.map(toolLine);
    const said = lines.join("\n");
    if (said === this.#toolsSaid) return;
    this.#toolsSaid = said;
    const list = el("ul", { class: "tools" }, ...lines.map((text) => el("li", { text })));
    const title = `Used ${count(tools.length, "tool")}`;
    const part = details(title, { open: this.#tools?.open }, list);
    if (this.#tools) this.#tools.replaceWith(part);
    else this.text.before(part);
    this.#tools = part;
  }

  /** @param {Piece} piece */
  #showProblem(piece) {
    const { reply } = piece;
    const cut = reply?.finish_reason === "length" ? "Cut off at its token limit." : "";
    const declined = reply?.refusal ? `Refused: ${reply.refusal}` : "";
    const problem = reply?.error ? `Failed: ${reply.error.message}` : declined || cut;
    this.problem.hidden = !problem;
    setText(this.problem, problem);
  }
}

/** @returns {string} */
function toolLine(tool) {
  const known = tool.result !== undefined && tool.result !== null;
  return `${tool.name} ${tool.arguments} → ${known ? tool.result : tool.over ? "no end" : "…"}`;
}

/** A card with what a seat says last; what it said in earlier rounds stands in the rounds. */
export class Card {
  /** @type {Map<string, PieceView>} */
  #views = new Map();
  #shown = "";

  /** @param {string} name The seat's label. @param {string} model */
  constructor(name, model) {
    this.name = name;
    const title = el("h3", {}, el("bdi", { text: name }));
    this.state = el("span", { class: "state" });
    this.model = el("span", { class: "model", text: model });
    this.facts = el("p", { class: "facts" });
    this.body = el("div", { class: "body" });
    const head = el("header", {}, title, this.state, this.model);
    this.element = el("li", { class: "card" }, head, this.body, this.facts);
  }

  /**
   * @param {Piece} piece
   * @param {number} at Seconds since the run started.
   */
  show(piece, at) {
    this.element.dataset.state = piece.state;
    setText(this.state, this.#stateIn(piece));
    setText(this.model, piece.model);
    this.tick(piece, at);
    if (this.#shown !== piece.stage) {
      this.#shown = piece.stage;
      this.body.replaceChildren(this.#view(piece.stage).element);
    }
    this.#view(piece.stage).show(piece);
  }

  #stateIn(piece) {
    const stage = piece.stage === "answer" ? "" : ` (${stageName(piece.stage)})`;
    return `${STATES[piece.state]}${stage}`;
  }

  /** Shows how long it has taken by now. */
  tick(piece, at) {
    setText(this.facts, facts(piece, at));
  }

  /** To be called once all cards are painted: it needs the layout, which each change undoes. */
  settle() {
    this.#views.get(this.#shown)?.settle();
  }

  /** @param {string} stage @returns {PieceView} */
  #view(stage) {
    const known = this.#views.get(stage) ?? new PieceView(`${clean(this.name)}: ${stageName(stage)}`);
    this.#views.set(stage, known);
    return known;
  }
}

/**
 * Time, tokens and pace on one line.
 * @param {Piece} piece
 * @param {number} at Seconds since the run started.
 * @returns {string}
 */
export function facts(piece, at) {
  const { reply } = piece;
  const took = reply ? reply.timings.total : piece.started === null ? 0 : at - piece.started;
  if (!took && !reply) return "\u00a0";
  const tokens = reply?.usage ? reply.usage.completion_tokens : piece.tokens;
  const about = reply?.usage && !reply.usage.estimated ? "" : "about ";
  const speed = pace(piece);
  const parts = [seconds(Math.max(0, took))];
  if (tokens) parts.push(about + count(tokens, "token"));
  if (speed !== null) parts.push(`${speed >= 10 ? Math.round(speed) : speed.toFixed(1)} tokens/s`);
  return parts.join(" · ");
}

/** @param {Piece} piece @returns {boolean} */
export function isUnderWay(piece) {
  return UNDER_WAY.includes(piece.state);
}
