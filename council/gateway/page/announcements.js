/** What of a run is worth a sentence to somebody who hears the page. */

import { brief, count, label, stageName } from "./words.js";

/** @type {Record<string, (state: any, event: any) => string|null>} */
const SENTENCES = {
  "run.started": (_, event) => `${count(event.experts.length, "expert")} asked.`,
  "expert.finished": (_, { reply }) => `${who(reply)} has finished${what(reply)}.`,
  "expert.failed": (_, { reply }) => `${who(reply)} failed: ${brief(reply.error?.message ?? "")}.`,
  "round.started": (_, event) => (event.round ? `Round ${event.round} begins.` : null),
  "strategy.stand_in": (_, event) => `${event.stand_in} stands in for ${event.failed}.`,
  "answer.discarded": () => "The answer is begun anew.",
  "run.finished": (_, event) => ending(event.result),
};

/**
 * @param {any} state
 * @param {any} event
 * @returns {string|null}
 */
export function announceable(state, event) {
  return SENTENCES[event.type]?.(state, event) ?? null;
}

/** @param {any} reply @returns {string} */
function who(reply) {
  return label(reply.id, reply.sample);
}

/** @param {any} reply @returns {string} */
function what(reply) {
  return reply.stage === "answer" ? "" : ` ${stageName(reply.stage)}`;
}

/** @param {any} result @returns {string} */
function ending(result) {
  if (result.status === "failed") return `The run failed: ${brief(result.error?.message ?? "")}`;
  const agreement = result.agreement;
  const agree = agreement ? ` ${agreement.agree} of ${agreement.of} agree.` : "";
  const reasons = result.reasons.length ? ` Degraded: ${result.reasons.join(" ")}` : "";
  return `The answer is there: ${brief(result.answer ?? "")}.${agree}${reasons}`;
}
