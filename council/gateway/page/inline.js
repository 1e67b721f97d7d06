/** The inside of a paragraph: emphasis, code, links. Makes nodes, never HTML. */

import { el } from "./dom.js";

const LONGEST = 10_000;
const DEEPEST = 6;
const PLAIN = /[^\\`*_~[!<h\n]+/y;
// Repetitions are bounded wherever two of them could share what they match.
const ADDRESS = /https?:\/\/[^\s<>"'`]{1,2000}/y;
const LINK_TARGET = /\( {0,9}<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?: {1,9}"[^"]*")? {0,9}\)/y;

/** @type {[string, string][]} Delimiters, longer ones first, and the elements they stand for. */
const PAIRS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "del"],
  ["*", "em"],
  ["_", "em"],
];

/**
 * Adds a text's nodes to an element.
 * @param {Node} parent
 * @param {string} text Cleaned.
 * @param {number} [depth]
 */
export function inline(parent, text, depth = 0) {
  // What is longer than anybody's paragraph is shown as it is: reading it would take too long.
  if (text.length > LONGEST || depth > DEEPEST) {
    parent.appendChild(document.createTextNode(text));
    return;
  }
  new Reader(parent, text, depth).read();
}

class Reader {
  #at = 0;
  #plain = "";
  /** Delimiters that close nowhere in the rest of the text: looked for once. */
  #open = new Set();

  /** @param {Node} parent @param {string} text @param {number} depth */
  constructor(parent, text, depth) {
    this.parent = parent;
    this.text = text;
    this.depth = depth;
  }

  read() {
    while (this.#at < this.text.length) this.#step();
    this.#flush();
  }

  #step() {
    PLAIN.lastIndex = this.#at;
    const plain = PLAIN.exec(this.text);
    if (plain) {
      this.#plain += plain[0];
      this.#at += plain[0].length;
      return;
    }
    const special = this.#special();
    if (special) return;
    this.#plain += this.text[this.#at];
    this.#at += 1;
  }

  /** @returns {boolean} Whether something special stood here, which then is read. */
  #special() {
    switch (this.text[this.#at]) {
      case "\\":
        return this.#escape();
      case "\n":
        return this.#add(el("br"), 1);
      case "`":
        return this.#code();
      case "<":
      case "h":
        return this.#address();
      case "!":
      case "[":
        return this.#link();
      default:
        return PAIRS.some(([delimiter, tag]) => this.#pair(delimiter, tag));
    }
  }

  #flush() {
    if (this.#plain) this.parent.appendChild(document.createTextNode(this.#plain));
    this.#plain = "";
  }

  /** @param {Node} node @param {number} length Of the text it stands for. @returns {true} */
  #add(node, length) {
    this.#flush();
    this.parent.appendChild(node);
    this.#at += length;
    return true;
  }

  #escape() {
    const next = this.text[this.#at + 1] ?? "";
    if (!/[!-/:-@[-`{-~]/.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  #code() {
    const fence = /`+/y;
    fence.lastIndex = this.#at;
    const ticks = fence.exec(this.text)[0];
    const end = this.#find(ticks, this.#at + ticks.length);
    if (end < 0) {
      this.#plain += ticks;
      this.#at += ticks.length;
      return true;
    }
    const code = this.text.slice(this.#at + ticks.length, end).replace(/\n/g, " ");
    const padded = code.startsWith(" ") && code.endsWith(" ") && code.trim() !== "";
    const trimmed = padded ? code.slice(1, -1) : code;
    return this.#add(el("code", {}, trimmed), end + ticks.length - this.#at);
  }

  #address() {
    const bracket = this.text[this.#at] === "<" ? 1 : 0;
    ADDRESS.lastIndex = this.#at + bracket;
    const found = ADDRESS.exec(this.text);
    if (!found) return false;
    if (bracket && this.text[ADDRESS.lastIndex] !== ">") return false;
    const address = bracket ? found[0] : found[0].replace(/[.,;:!?*_)\]]+$/, "");
    const link = anchor(address);
    link.append(address);
    return this.#add(link, address.length + 2 * bracket);
  }

  /** A link; an image becomes a link too, since this page loads nothing from elsewhere. */
  #link() {
    const image = this.text[this.#at] === "!" ? 1 : 0;
    if (image && this.text[this.#at + 1] !== "[") return false;
    const start = this.#at + image + 1;
    const close = this.#find("](", start);
    if (close < 0) return false;
    LINK_TARGET.lastIndex = close + 1;
    const target = LINK_TARGET.exec(this.text);
    if (!target) return false;
    const link = anchor(target[1]);
    inline(link, this.text.slice(start, close), this.depth + 2);
    return this.#add(link, LINK_TARGET.lastIndex - this.#at);
  }

  /** @param {string} delimiter @param {string} tag @returns {boolean} */
  #pair(delimiter, tag) {
    const start = this.#at + delimiter.length;
    if (!this.text.startsWith(delimiter, this.#at) || /^(?:\s|$)/.test(this.text[start] ?? "")) {
      return false;
    }
    if (delimiter[0] === "_" && /\w/.test(this.text[this.#at - 1] ?? "")) return false;
    const end = this.#closing(delimiter, start + 1);
    if (end < 0) return false;
    const made = el(tag);
    inline(made, this.text.slice(start, end), this.depth + 1);
    return this.#add(made, end + delimiter.length - this.#at);
  }

  /** @returns {number} Where a delimiter closes; -1 for nowhere. */
  #closing(delimiter, from) {
    for (let at = from; ; at += 1) {
      at = this.#find(delimiter, at);
      if (at < 0) return -1;
      const after = this.text[at + delimiter.length] ?? "";
      if (/\s/.test(this.text[at - 1])) continue;
      if (delimiter[0] === "_" && /\w/.test(after)) continue;
      if (delimiter.length === 1 && after === delimiter) at += 1;
      else return at;
    }
  }

  /** As `indexOf`, but what is nowhere is looked for only once. */
  #find(what, from) {
    if (this.#open.has(what)) return -1;
    const found = this.text.indexOf(what, from);
    if (found < 0) this.#open.add(what);
    return found;
  }
}

/**
 * A link to elsewhere; where the address is none of the web's, only its words.
 * @param {string} address
 * @returns {HTMLElement}
 */
function anchor(address) {
  if (!/^https?:\/\/[^/]/i.test(address) || !URL.canParse(address)) return el("span");
  const props = { href: address, title: address, target: "_blank" };
  return el("a", { ...props, rel: "noopener noreferrer nofollow ugc" });
}
