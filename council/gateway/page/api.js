/** Requests to the gateway that this page came from; asks for a key when the gateway wants one. */

import { askForKey } from "./key.js";

const KEY = "council.key";

/** What the gateway said instead of what was asked for. */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {number} status The HTTP status; 0 where nobody answered.
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * A response that is none of an error.
 * @param {string} path Without a leading slash, so that the page may live below any path.
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 * @throws {Refused}
 */
export async function request(path, options = {}) {
  for (;;) {
    const used = sessionStorage.getItem(KEY);
    const response = await send(path, options, used);
    if (response.ok) return response;
    const message = await complaint(response);
    if (response.status !== 401) throw new Refused(message, response.status);
    const key = await askForKey(message, () => changed(used));
    if (key === null) throw new Refused(message, 401);
    sessionStorage.setItem(KEY, key);
  }
}

/**
 * The key that another request was given since `used`.
 * @param {string|null} used
 * @returns {string|null}
 */
function changed(used) {
  const now = sessionStorage.getItem(KEY);
  return now === used ? null : now;
}

/** @returns {Promise<Response>} */
async function send(path, options, key) {
  const headers = new Headers(options.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  try {
    return await fetch(path, { ...options, headers, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The gateway cannot be reached.", 0);
  }
}

/**
 * The message of an error's envelope.
 * @param {Response} response
 * @returns {Promise<string>}
 */
async function complaint(response) {
  try {
    const body = await response.json();
    return String(body.error.message);
  } catch {
    return `The gateway answered ${response.status} ${response.statusText}.`;
  }
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<any>} */
async function json(path, options) {
  return (await request(path, options)).json();
}

const runPath = (id) => `v1/council/runs/${encodeURIComponent(id)}`;

/** @returns {Promise<{panels: any[], strategies: string[]}>} */
export const panels = () => json("v1/council/panels");

/**
 * A page of the history, newest first.
 * @param {string|null} before The id of a run, for older ones.
 * @returns {Promise<{runs: any[], more: boolean}>}
 */
export function runs(before) {
  const older = before ? `&before=${encodeURIComponent(before)}` : "";
  return json(`v1/council/runs?limit=50${older}`);
}

/** @param {string} id @returns {Promise<any>} */
export const run = (id) => json(runPath(id));

/**
 * Starts a run.
 * @param {Record<string, unknown>} question
 * @returns {Promise<{id: string}>}
 */
export function ask(question) {
  const headers = { "Content-Type": "application/json" };
  return json("v1/council/runs", { method: "POST", headers, body: JSON.stringify(question) });
}

/** @param {string} id */
export const cancel = (id) => request(`${runPath(id)}/cancel`, { method: "POST" });

/** @param {string} id */
export const remove = (id) => request(runPath(id), { method: "DELETE" });

/**
 * @param {string} id
 * @param {"markdown"|"html"} format
 * @returns {Promise<string>}
 */
export async function transcript(id, format) {
  return (await request(`${runPath(id)}/transcript?format=${format}`)).text();
}

/**
 * The event stream of a run.
 * @param {string} id
 * @param {number} after The number of the last event that is known.
 * @param {AbortSignal} signal
 * @returns {Promise<Response>}
 */
export function events(id, after, signal) {
  const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
  return request(`${runPath(id)}/events`, { headers, signal });
}
