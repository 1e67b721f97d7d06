/** What is known of a run: events are folded into it, or a whole result is. No element is touched. */

import { announceable } from "./announcements.js";
import { ENDINGS, label } from "./words.js";

/**
 * One reply: of an expert, a reviewer, a judge or a writer.
 * @typedef {object} Piece
 * @property {string} label Whose.
 * @property {string} model
 * @property {string} stage
 * @property {string} state A key of `STATES`.
 * @property {string} text
 * @property {string} reasoning
 * @property {string} notice What its agent last told of itself.
 * @property {any[]} tools
 * @property {number} tokens How many pieces of text came, about a token each.
 * @property {number|null} started In seconds since the run started, as all moments here.
 * @property {number|null} first
 * @property {number} last
 * @property {any} reply Its outcome, null before that.
 */

/**
 * @typedef {object} RunState
 * @property {string} id
 * @property {string} question
 * @property {string} strategy
 * @property {any[]} experts
 * @property {Map<string, Piece>} pieces By label and stage, see `keyOf`.
 * @property {string} answer
 * @property {string[]} discarded Why answers were begun anew.
 * @property {string[]} standIns
 * @property {any} votes
 * @property {any} ranking
 * @property {any[]} rounds
 * @property {number|null} round The round that is under way.
 * @property {any} result Null while the run goes on.
 * @property {number|null} began When the run started, by the page's own clock in milliseconds.
 */

/** @param {string} id @returns {RunState} */
export function newState(id) {
  return {
    ...{ id, question: "", strategy: "", experts: [], pieces: new Map(), answer: "" },
    ...{ discarded: [], standIns: [], votes: null, ranking: null, rounds: [], round: null },
    ...{ result: null, began: null },
  };
}

/** @param {string} name @param {string} stage @returns {string} */
const keyOf = (name, stage) => `${name}\n${stage}`;

/**
 * Takes an event in.
 * @param {RunState} state
 * @param {any} event
 * @param {number} now The page's clock in milliseconds.
 * @returns {string|null} What to tell who does not see the page.
 */
export function fold(state, event, now) {
  const began = now - 1000 * event.at;
  // An event is never seen before it happens: the earliest beginning is nearest to the truth.
  state.began = state.began === null ? began : Math.min(state.began, began);
  HANDLERS[event.type]?.(state, event);
  return announceable(state, event);
}

/** @type {Record<string, (state: RunState, event: any) => void>} */
const HANDLERS = {
  "run.started"(state, event) {
    Object.assign(state, { question: event.question, strategy: event.strategy });
    seat(state, event.experts);
  },
  "expert.started"(state, event) {
    const piece = pieceOf(state, event, event.stage);
    Object.assign(piece, { state: "asked", model: event.model, started: event.at });
  },
  "expert.notice"(state, event) {
    pieceOf(state, event, event.stage).notice = event.message;
  },
  "tool.called"(state, event) {
    const piece = pieceOf(state, event, event.stage);
    piece.tools = [...piece.tools, event];
    piece.reasoning += (piece.reasoning && piece.text ? "\n\n" : "") + piece.text;
    piece.text = "";
  },
  "tool.returned"(state, event) {
    const piece = pieceOf(state, event, event.stage);
    piece.tools = piece.tools.map((tool) => (tool.id === event.id ? { ...tool, ...event } : tool));
  },
  "expert.token"(state, event) {
    const piece = pieceOf(state, event, event.stage);
    piece.text += event.text;
    piece.reasoning += event.reasoning;
    piece.tokens += 1;
    piece.first ??= event.at;
    piece.last = event.at;
    piece.state = piece.text ? "writing" : "thinking";
    piece.notice = "";
  },
  "expert.finished": (state, event) => settle(state, event.reply),
  "expert.failed": (state, event) => settle(state, event.reply),
  "expert.cancelled": (state, event) => settle(state, event.reply),
  "strategy.tallied"(state, event) {
    state.votes = event.votes;
  },
  "strategy.ranked"(state, event) {
    state.ranking = event.ranking;
  },
  "round.started"(state, event) {
    state.round = event.round;
  },
  "round.finished"(state, event) {
    const { round, positions, flips, similarity } = event;
    const held = { number: round, positions, flips, similarity, converged: false, replies: [] };
    state.rounds = [...state.rounds, held];
    state.round = null;
  },
  convergence(state, event) {
    const converged = (each) => each.number === event.round;
    state.rounds = state.rounds.map((r) => (converged(r) ? { ...r, converged: true } : r));
  },
  "strategy.stand_in"(state, event) {
    state.standIns.push(`${event.stand_in} stands in for ${event.failed}: ${event.reason}`);
  },
  "answer.token"(state, event) {
    state.answer += event.text;
  },
  "answer.discarded"(state, event) {
    state.answer = "";
    state.discarded.push(event.reason);
  },
  "run.finished": (state, event) => conclude(state, event.result),
};

/**
 * Takes a result in, which says all that the events said.
 * @param {RunState} state
 * @param {any} result
 */
export function conclude(state, result) {
  const { question, strategy, votes, ranking } = result;
  Object.assign(state, { result, question, strategy, votes, ranking, rounds: result.rounds });
  state.answer = result.answer ?? "";
  state.round = null;
  const later = result.rounds.filter((round) => round.number > 0);
  const replies = [...result.experts, ...later.flatMap((round) => round.replies)];
  for (const reply of [...replies, ...result.others]) settle(state, reply);
  if (result.decider) settle(state, result.decider);
  if (!state.experts.length) {
    state.experts = result.experts.map(({ id, model }) => ({ id, model, samples: 1 }));
  }
  // Whoever is cut off with the run was still wanted.
  const cut = result.error?.kind === "interrupted" ? "stopped" : "cancelled";
  for (const piece of state.pieces.values()) {
    if (piece.reply === null || piece.state === "cancelled") piece.state = cut;
  }
}

/** The cards that a run begins with. */
function seat(state, experts) {
  state.experts = experts;
  for (const { id, model, samples } of experts) {
    for (let sample = 0; sample < samples; sample += 1) {
      pieceOf(state, { expert: id, sample }, "answer").model = model;
    }
  }
}

/** A reply's outcome, in place of what had come of it. */
function settle(state, reply) {
  const piece = pieceOf(state, { expert: reply.id, sample: reply.sample }, reply.stage);
  const { model, text, reasoning, tools } = reply;
  Object.assign(piece, { model, text, reasoning, reply, notice: "", state: ENDINGS[reply.status] });
  piece.tools = tools.map((tool) => ({ ...tool, over: true }));
}

/** @returns {Piece} The piece that an event is about, made where it is new. */
function pieceOf(state, { expert, sample }, stage) {
  const name = label(expert, sample);
  const key = keyOf(name, stage);
  const found = state.pieces.get(key);
  if (found) return found;
  const made = {
    ...{ label: name, model: "", stage, state: "waiting", text: "", reasoning: "", notice: "" },
    ...{ tools: [], tokens: 0, started: null, first: null, last: 0, reply: null },
  };
  state.pieces.set(key, made);
  return made;
}

/**
 * How fast a reply is or was written.
 * @param {Piece} piece
 * @returns {number|null} Tokens a second, null where that cannot be told.
 */
export function pace(piece) {
  const { reply } = piece;
  if (reply) {
    const writing = reply.timings.total - (reply.timings.first_token ?? reply.timings.total);
    const tokens = reply.usage?.completion_tokens ?? 0;
    return writing > 0.05 && tokens > 1 ? tokens / writing : null;
  }
  const writing = piece.last - (piece.first ?? piece.last);
  return writing > 0.05 ? (piece.tokens - 1) / writing : null;
}
