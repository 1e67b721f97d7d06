/** The dialog that asks for an API key. */

import { el } from "./dom.js";

/** @type {Promise<string|null>|null} */
let asking = null;

/**
 * A key from the person at the page; null where they would not give one. Requests that are refused
 * at the same time share one dialog.
 * @param {string} why What the gateway said.
 * @param {() => string|null} given A key that was given in the meantime.
 * @returns {Promise<string|null>}
 */
export async function askForKey(why, given) {
  const known = given();
  if (known !== null) return known;
  asking ??= open(why).finally(() => (asking = null));
  return asking;
}

/** @param {string} why @returns {Promise<string|null>} */
function open(why) {
  const input = el("input", {
    ...{ id: "key", type: "password", name: "key", autocomplete: "off", required: true },
    "aria-describedby": "key-why",
  });
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: "key-title", text: "This gateway needs a key" }),
    el("p", { id: "key-why", text: why }),
    el("label", { for: "key", text: "API key" }),
    input,
    el("p", { class: "muted", text: "It is kept until this tab is closed, and nowhere else." }),
    el(
      "div",
      { class: "buttons" },
      el("button", { class: "primary", value: "ok", text: "Use this key" }),
      el("button", { value: "no", formnovalidate: true, text: "Cancel" }),
    ),
  );
  const dialog = /** @type {HTMLDialogElement} */ (
    el("dialog", { "aria-labelledby": "key-title" }, form)
  );
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const key = /** @type {HTMLInputElement} */ (input).value.trim();
      dialog.remove();
      resolve(dialog.returnValue === "ok" && key ? key : null);
    });
  });
}
