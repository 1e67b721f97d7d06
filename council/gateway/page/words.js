/** Numbers, times and states in words. */

const counts = new Intl.NumberFormat("en");

/** @type {Record<string, string>} */
export const STATES = {
  waiting: "Waiting",
  asked: "Asked",
  thinking: "Thinking",
  writing: "Writing",
  done: "Done",
  failed: "Failed",
  cancelled: "Not needed",
  stopped: "Stopped",
};

/** @type {Record<string, string>} The state in which a reply of that status is. */
export const ENDINGS = { complete: "done", failed: "failed", cancelled: "cancelled" };

/** @type {Record<string, string>} */
export const STATUSES = {
  running: "Running",
  complete: "Complete",
  degraded: "Degraded",
  failed: "Failed",
  interrupted: "Interrupted",
  "broken off": "Broken off",
};

/**
 * @param {number} amount
 * @param {string} one
 * @param {string} [many]
 * @returns {string}
 */
export function count(amount, one, many = `${one}s`) {
  return `${counts.format(amount)} ${amount === 1 ? one : many}`;
}

/**
 * @param {number} seconds
 * @returns {string}
 */
export function seconds(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/**
 * What a run cost; empty where nobody has a price or all was free.
 * @param {{amount: number|null, at_least: number, unpriced: string[], estimated: boolean}} cost
 * @returns {string}
 */
export function money(cost) {
  if (!cost || !cost.at_least) return "";
  const about = cost.estimated ? "about " : "";
  const more = cost.amount === null ? ` and what ${cost.unpriced.join(", ")} cost` : "";
  return `${about}${dollars(cost.at_least)}${more}`;
}

/** @param {number} amount @returns {string} */
function dollars(amount) {
  if (amount >= 1) return `$${amount.toFixed(2)}`;
  return amount >= 1e-4 ? `$${Number(amount.toPrecision(2))}` : "<$0.0001";
}

/**
 * When something was, as briefly as it is clear.
 * @param {number} moment Seconds since 1970.
 * @returns {string}
 */
export function when(moment) {
  const then = new Date(moment * 1000);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (then.toDateString() === new Date().toDateString()) return time;
  return `${then.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

/**
 * A text on one line.
 * @param {string} text
 * @param {number} [most] Characters.
 * @returns {string}
 */
export function brief(text, most = 120) {
  const flat = text.slice(0, 4 * most).replace(/\s+/g, " ").trim();
  return flat.length <= most ? flat : `${flat.slice(0, most - 1)}…`;
}

/**
 * What a stage is called.
 * @param {string} stage
 * @returns {string}
 */
export function stageName(stage) {
  const round = /^round-(\d+)$/.exec(stage);
  if (round) return `round ${round[1]}`;
  const names = { review: "ranking", judge: "judgement", synthesis: "the panel's answer" };
  return names[stage] ?? stage;
}

/**
 * What an expert's sample is called.
 * @param {string} id
 * @param {number} sample From 0.
 * @returns {string}
 */
export function label(id, sample) {
  return sample ? `${id}#${sample + 1}` : id;
}
