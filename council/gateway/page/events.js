/** Server-sent events over fetch, which can send a key where EventSource cannot. */

import { events, Refused } from "./api.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;

/** @typedef {{number: number, event: any}} Numbered */

/** Takes the text of an event stream apart, however it is cut. */
export class Parser {
  #rest = "";
  #id = "";
  /** @type {string[]} */
  #data = [];

  /**
   * @param {string} text
   * @returns {Numbered[]} The events that are whole now.
   */
  feed(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const found = [];
    for (const line of lines) {
      if (line === "") this.#close(found);
      else this.#take(line);
    }
    return found;
  }

  /** @param {string} line */
  #take(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") this.#id = value;
    else if (name === "data") this.#data.push(value);
  }

  /** @param {Numbered[]} found */
  #close(found) {
    if (this.#data.length) {
      found.push({ number: Number(this.#id), event: JSON.parse(this.#data.join("\n")) });
    }
    this.#data = [];
  }
}

/**
 * Reads a run's events to the last one, over as many connections as that takes.
 * @param {string} id The run.
 * @param {(events: any[]) => void} take Gets events in order, each once.
 * @param {(connected: boolean) => void} tell Hears when the connection is lost and found again.
 * @param {AbortSignal} signal Ends the reading.
 * @throws {Refused} The run is not known, or may not be read.
 */
export async function follow(id, take, tell, signal) {
  const seen = { number: 0, over: false };
  let pause = FIRST_PAUSE;
  while (!seen.over && !signal.aborted) {
    const before = seen.number;
    try {
      await readOnce(id, seen, take, tell, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && !passing(error.status)) throw error;
    }
    if (seen.over || signal.aborted) return;
    tell(false);
    pause = seen.number > before ? FIRST_PAUSE : Math.min(2 * pause, LONGEST_PAUSE);
    await rest(pause, signal);
  }
}

/** @param {number} status @returns {boolean} Whether trying again may help. */
function passing(status) {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** Reads one connection to its end. */
async function readOnce(id, seen, take, tell, signal) {
  const response = await events(id, seen.number, signal);
  tell(true);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new Parser();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const found = parser.feed(value).filter(({ number }) => number > seen.number);
    if (!found.length) continue;
    seen.number = found[found.length - 1].number;
    seen.over = found.some(({ event }) => event.type === "run.finished");
    take(found.map(({ event }) => event));
    if (seen.over) return void reader.cancel();
  }
}

/** @param {number} milliseconds @param {AbortSignal} signal @returns {Promise<void>} */
function rest(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    const now = () => resolve(clearTimeout(timer));
    signal.addEventListener("abort", now, { once: true });
    window.addEventListener("online", now, { once: true });
  });
}
