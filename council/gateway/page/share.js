/** A run for others: a file of HTML, or Markdown to paste. */

import * as api from "./api.js";
import { el } from "./dom.js";

/**
 * Saves a run as an HTML file that needs nothing else.
 * @param {string} id
 */
export async function download(id) {
  const html = await api.transcript(id, "html");
  const address = URL.createObjectURL(new Blob([html], { type: "text/html" }));
  const link = el("a", { href: address, download: `council-${id.slice(0, 12)}.html` });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Copies a run as Markdown.
 * @param {string} id
 * @returns {Promise<boolean>} False where the browser forbids it, and the text is shown instead.
 */
export async function copy(id) {
  const text = await api.transcript(id, "markdown");
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that did not come over TLS, or from this machine, have no clipboard.
    offer(text);
    return false;
  }
}

/** @param {string} text */
function offer(text) {
  const field = el("textarea", { rows: "16", readonly: true, "aria-labelledby": "copy-title" });
  /** @type {HTMLTextAreaElement} */ (field).value = text;
  const close = el("form", { method: "dialog" }, el("button", { text: "Close" }));
  const title = el("h2", { id: "copy-title", text: "Copy this text" });
  const dialog = el("dialog", { "aria-labelledby": "copy-title" }, title, field, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  /** @type {HTMLDialogElement} */ (dialog).showModal();
  /** @type {HTMLTextAreaElement} */ (field).select();
}
