/** Elements, text made fit to be shown, and when it is painted or said. Nothing here ever parses HTML. */

/** @typedef {Node|string|null|undefined|false} Child */

const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// All controls but line feed and tab, as `harmless` of the command line takes them out.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
// What turns the order of text round or hides text in text. The joiners stay: scripts need them.
const HIDDEN =
  /[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * Text from a model or an error without what changes how other text is seen.
 * @param {string} text
 * @returns {string}
 */
export function clean(text) {
  return text.replace(ANSI, "").replace(CONTROLS, "").replace(HIDDEN, "");
}

/**
 * An element.
 * @param {string} tag
 * @param {Record<string, string|number|boolean|null|EventListener>} [props] Attributes; `onclick`
 *   and the like are listeners, `text` is cleaned text, true an attribute without a value, and
 *   null, false and undefined are left out.
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") made.textContent = clean(String(value));
    else if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child || child === "").map(asNode));
  return made;
}

/**
 * @param {Node|string} child
 * @returns {Node}
 */
function asNode(child) {
  return typeof child === "string" ? document.createTextNode(clean(child)) : child;
}

/**
 * Sets an element's text where it has changed, so that nobody's selection is lost for nothing.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  const wanted = clean(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

/**
 * A part that one can open.
 * @param {string} title
 * @param {{open?: boolean, class?: string, note?: string}} options
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function details(title, options, ...children) {
  const note = options.note ? el("span", { class: "note", text: options.note }) : null;
  const summary = el("summary", {}, el("span", { text: title }), note);
  return el("details", { class: options.class, open: options.open }, summary, ...children);
}

let pending = new Set();

/**
 * Calls each function once with the next frame, however often it was asked for until then.
 * @param {() => void} paint
 */
export function withNextFrame(paint) {
  if (!pending.size) requestAnimationFrame(paintAll);
  pending.add(paint);
}

function paintAll() {
  const now = pending;
  pending = new Set();
  for (const paint of now) paint();
}

let said = [];

/**
 * Tells a screen reader; what is told within a second is told together.
 * @param {string} sentence
 */
export function announce(sentence) {
  if (!said.length) setTimeout(tell, 1000);
  said.push(clean(sentence));
}

function tell() {
  const announcer = document.getElementById("announcer");
  announcer.textContent = said.join(" ");
  said = [];
}
