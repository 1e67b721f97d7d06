/** Markdown as models write it, made into nodes: a small part of the language, read forgivingly. */

import { clean, el } from "./dom.js";
import { inline } from "./inline.js";

const DEEPEST = 8;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])( +|$)/;
const BARS = /^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;
const WIDEST_TABLE = 2000;

/**
 * Adds a text's blocks to an element.
 * @param {Node} parent
 * @param {string} text As the model wrote it.
 */
export function markdown(parent, text) {
  blocks(parent, clean(text).replace(/\t/g, "    ").split("\n"), 0);
}

/** @param {Node} parent @param {string[]} lines @param {number} depth */
function blocks(parent, lines, depth) {
  let at = 0;
  while (at < lines.length) {
    if (lines[at].trim() === "") at += 1;
    else at = block(parent, lines, at, depth);
  }
}

/**
 * Reads one block.
 * @returns {number} The line after it.
 */
function block(parent, lines, at, depth) {
  const line = lines[at];
  if (FENCE.test(line)) return fence(parent, lines, at);
  const heading = HEADING.exec(line);
  if (heading) return headline(parent, heading, at);
  if (RULE.test(line)) {
    parent.appendChild(el("hr"));
    return at + 1;
  }
  if (depth < DEEPEST && QUOTE.test(line)) return quote(parent, lines, at, depth);
  if (depth < DEEPEST && ITEM.test(line)) return list(parent, lines, at, depth);
  if (isTable(lines, at)) return table(parent, lines, at);
  return paragraph(parent, lines, at, depth);
}

function fence(parent, lines, at) {
  const [, marks, language] = FENCE.exec(lines[at]);
  const close = new RegExp(`^ {0,3}${marks[0]}{${marks.length},}\\s*$`);
  let end = at + 1;
  while (end < lines.length && !close.test(lines[end])) end += 1;
  const code = el("code", {}, lines.slice(at + 1, end).join("\n"));
  const name = language ? `Code in ${language}` : "Code";
  parent.appendChild(el("pre", { tabindex: "0", role: "region", "aria-label": name }, code));
  return end + 1;
}

function headline(parent, [, marks, words], at) {
  // The page's own headings are above these.
  const made = el(`h${Math.min(6, marks.length + 2)}`);
  const last = words.trimEnd().split(" ").pop();
  const closed = /^#+$/.test(last) ? words.trimEnd().slice(0, -last.length) : words;
  inline(made, closed.trim());
  parent.appendChild(made);
  return at + 1;
}

function quote(parent, lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const made = el("blockquote");
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  blocks(made, inner, depth + 1);
  parent.appendChild(made);
  return end;
}

function list(parent, lines, at, depth) {
  const marker = ITEM.exec(lines[at])[2];
  const ordered = /\d/.test(marker);
  const start = ordered && parseInt(marker, 10) !== 1 ? String(parseInt(marker, 10)) : null;
  const made = el(ordered ? "ol" : "ul", { start });
  while (at < lines.length) {
    const found = ITEM.exec(lines[at]);
    if (!found || /\d/.test(found[2]) !== ordered || RULE.test(lines[at])) break;
    at = item(made, lines, at, found, depth);
  }
  parent.appendChild(made);
  return at;
}

function item(parent, lines, at, [marker, indent], depth) {
  const inner = [lines[at].slice(marker.length)];
  const least = indent.length + 2;
  let end = at + 1;
  while (end < lines.length && belongs(lines, end, least)) {
    const spaces = lines[end].length - lines[end].trimStart().length;
    inner.push(lines[end].slice(Math.min(spaces, marker.length)));
    end += 1;
  }
  const made = el("li");
  if (inner.every((line) => line.trim() !== "" && !opensBlock(line))) inline(made, inner.join("\n"));
  else blocks(made, inner, depth + 1);
  parent.appendChild(made);
  while (end < lines.length && lines[end].trim() === "" && ITEM.test(next(lines, end))) end += 1;
  return end;
}

/** @returns {boolean} Whether a line is a part of the item above it. */
function belongs(lines, at, least) {
  const line = lines[at];
  if (line.trim() === "") {
    const after = next(lines, at);
    return after !== "" && after.length - after.trimStart().length >= least;
  }
  if (line.length - line.trimStart().length >= least) return true;
  return lines[at - 1].trim() !== "" && !opensBlock(line);
}

/** @returns {string} The next line that is not empty. */
function next(lines, at) {
  // A model that writes thousands of empty lines means none of them.
  return lines.slice(at, at + 20).find((line) => line.trim() !== "") ?? "";
}

/** @param {string} line @returns {boolean} */
function opensBlock(line) {
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((pattern) => pattern.test(line));
}

function isTable(lines, at) {
  const bars = (lines[at + 1] ?? "").trim();
  if (bars.length > WIDEST_TABLE || !lines[at].includes("|") || !bars.includes("-")) return false;
  return BARS.test(bars) && cells(bars).length === cells(lines[at]).length;
}

function table(parent, lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const sides = cells(lines[at + 1]).map((bar) => (/-:$/.test(bar) ? "end" : null));
  const head = el("thead", {}, row("th", lines[at], sides));
  const body = el("tbody", {}, ...lines.slice(at + 2, end).map((line) => row("td", line, sides)));
  const made = el("table", {}, head, body);
  // A wide table scrolls by itself, and by keyboard too.
  const frame = { class: "wide", tabindex: "0", role: "region", "aria-label": "Table" };
  parent.appendChild(el("div", frame, made));
  return end;
}

function row(tag, line, sides) {
  const found = cells(line).slice(0, sides.length);
  const made = found.map((words, i) => {
    const cell = el(tag, { class: sides[i], scope: tag === "th" ? "col" : null });
    inline(cell, words);
    return cell;
  });
  return el("tr", {}, ...made);
}

/** @param {string} line @returns {string[]} */
function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));
}

function paragraph(parent, lines, at, depth) {
  let end = at + 1;
  const goesOn = (line) => line.trim() !== "" && (depth >= DEEPEST || !opensBlock(line));
  while (end < lines.length && goesOn(lines[end]) && !isTable(lines, end)) end += 1;
  const made = el("p", { dir: "auto" });
  const words = lines.slice(at, end).map((line) => line.trim());
  inline(made, words.join("\n"));
  parent.appendChild(made);
  return end;
}
