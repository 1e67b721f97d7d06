/** A text that grows: blocks that are whole are made once, and only the last one again. */

import { el } from "./dom.js";
import { markdown } from "./markdown.js";
import { count } from "./words.js";

const MOST = 60_000;
const MOST_BEFORE_PLAIN = 8_000;
const SLICE = 4_000;
const LONGEST_MARKER = 12;
const GOES_ON = /^(?:\s|$|[-*+>|]|\d{1,9}[.)])/;

export class Prose {
  #text = "";
  #over = false;
  /** How much of the text is made for good. */
  #made = 0;
  #tail = el("div", { class: "tail" });
  /** @type {HTMLElement|null} */
  #more = null;

  /** @param {HTMLElement} element Where the text is shown; nothing else stands there. */
  constructor(element) {
    this.element = element;
    element.append(this.#tail);
  }

  /**
   * Shows a text, of which the beginning may be there already.
   * @param {string} whole
   * @param {boolean} over Whether no more is coming.
   * @returns {boolean} Whether anything changed.
   */
  show(whole, over) {
    if (over === this.#over && whole === this.#text) return false;
    if (!whole.startsWith(this.#text)) this.#forget();
    this.#text = whole;
    this.#over = over;
    const shown = whole.slice(0, MOST);
    const settled = boundary(shown, this.#made);
    if (settled > this.#made) {
      const fragment = document.createDocumentFragment();
      markdown(fragment, shown.slice(this.#made, settled));
      this.#tail.before(fragment);
      this.#made = settled;
    }
    this.#showTail(shown.slice(this.#made));
    this.#showMore();
    return true;
  }

  #forget() {
    this.#made = 0;
    this.#more = null;
    this.element.replaceChildren(this.#tail);
  }

  /** @param {string} rest */
  #showTail(rest) {
    this.#tail.replaceChildren();
    // One block that is as long is not read again with each token.
    if (rest.length > MOST_BEFORE_PLAIN && !this.#over) {
      this.#tail.append(el("p", { class: "plain" }, rest));
    } else markdown(this.#tail, rest);
  }

  #showMore() {
    const left = this.#text.length - MOST;
    if (left <= 0) return;
    if (!this.#more) {
      this.#more = el("button", { type: "button", onclick: () => this.#showAll() });
      this.element.append(this.#more);
    }
    this.#more.textContent = `Show ${count(left, "more character")}`;
  }

  /** The rest as it is, in slices that the browser need not lay out before they are seen. */
  #showAll() {
    const slices = [];
    for (let at = MOST; at < this.#text.length; at += SLICE) {
      slices.push(el("div", { class: "plain slice" }, this.#text.slice(at, at + SLICE)));
    }
    this.#more.replaceWith(...slices);
  }
}

/**
 * Up to where a text's blocks are whole, whatever follows.
 * @param {string} text
 * @param {number} from A boundary found before.
 * @returns {number}
 */
function boundary(text, from) {
  let found = from;
  let fenced = "";
  let blank = false;
  for (let at = from; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const known = end >= 0 || text.length - at >= LONGEST_MARKER;
    const start = text.slice(at, at + LONGEST_MARKER);
    if (blank && !fenced && known && !GOES_ON.test(start)) found = at;
    if (end < 0) break;
    const line = text.slice(at, Math.min(end, at + LONGEST_MARKER)).trim();
    if (fenced ? line.startsWith(fenced) : /^(?:```|~~~)/.test(line)) {
      fenced = fenced ? "" : line.slice(0, 3);
    }
    blank = line === "";
    at = end + 1;
  }
  return found;
}
