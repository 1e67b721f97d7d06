/** How the answer came about: votes, ranking, rounds, dissent, and what else was written. */

import { details, el } from "./dom.js";
import { facts } from "./card.js";
import { Prose } from "./prose.js";
import { brief, count, ENDINGS, label, stageName, STATES } from "./words.js";

const DIRECTIONS = {
  towards: "to the first majority",
  away: "away from the first majority",
  aside: "no majority before or after",
};

/**
 * The parts that one can open, those for which there is something.
 * @param {import("./run_state.js").RunState} state
 * @returns {HTMLElement[]}
 */
export function findings(state) {
  const result = state.result;
  return [
    state.votes && votes(state.votes, result?.agreement),
    state.ranking && ranking(state.ranking),
    state.rounds.length && rounds(state.rounds),
    result?.dissent.length && dissent(result.dissent),
    deliberations(state),
  ].filter(Boolean);
}

function votes(tally, agreement) {
  const total = tally.positions.reduce((sum, position) => sum + position.weight, 0) || 1;
  const list = el("ul", { class: "bars" }, ...tally.positions.map((p) => bar(p, total, tally)));
  const families = agreement ? ` from ${count(agreement.families, "model family", "model families")}` : "";
  const notes = [
    `Positions were read as ${tally.extract}.`,
    agreement && `${agreement.agree} of ${agreement.of} agree${families}.`,
    tally.tie && "The first two weigh the same; the panel's order decided.",
    tally.abstained.length && `Without a position: ${tally.abstained.join(", ")}.`,
  ].filter(Boolean);
  const note = agreement ? `${agreement.agree} of ${agreement.of} agree` : "";
  const body = tally.positions.length ? list : el("p", { text: "No positions to compare." });
  return named("votes", details("Votes", { note }, body, el("p", { class: "muted", text: notes.join(" ") })));
}

function bar(position, total, tally) {
  const share = position.weight / total;
  const won = position.value === tally.winner;
  const fill = el("span", { class: "fill" });
  // Through the object model, since the page's policy allows no style attributes.
  fill.style.width = `${Math.max(1, 100 * share)}%`;
  return el(
    "li",
    { class: won ? "won" : null },
    el("span", { class: "value" }, el("bdi", {}, brief(position.value)), won ? " (won)" : ""),
    el("span", { class: "share", text: `${Math.round(100 * share)} %` }),
    el("span", { class: "track", "aria-hidden": "true" }, fill),
    el("span", { class: "muted", text: position.experts.join(", ") }),
  );
}

function ranking(ranked) {
  const rows = ranked.answers.map((answer) =>
    el(
      "tr",
      {},
      el("td", { class: "end", text: `${answer.place}.` }),
      el("th", { scope: "row" }, el("bdi", { text: answer.expert })),
      el("td", { class: "end", text: answer.score === null ? "not ranked" : answer.score.toFixed(2) }),
      el("td", { class: "end", text: String(answer.ballots) }),
    ),
  );
  const heads = ["Place", "Answer", "Beats", "Ballots"];
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col", text })));
  const table = el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows));
  const notes = [
    "“Beats” is the part of the other answers that an answer beats, as the mean of the ballots.",
    ranked.tie && "The first two are equal; the panel's order decided.",
    ranked.abstained.length && `Without a ballot: ${ranked.abstained.join(", ")}.`,
  ].filter(Boolean);
  const note = count(ranked.ballots, "ballot");
  return named("ranking", details("Ranking", { note }, table, el("p", { class: "muted", text: notes.join(" ") })));
}

function rounds(held) {
  const flips = held.at(-1).flips.length;
  const changed = flips ? `, ${count(flips, "expert")} changed` : "";
  const note = `${count(held.length, "round")}${changed}`;
  return named("rounds", details("Rounds", { note }, el("ol", { class: "rounds" }, ...held.map(round))));
}

function round(held) {
  const title = held.number ? `Round ${held.number}` : "Round 0, each on its own";
  const taken = held.positions.map((p) => `${brief(p.value, 60)} by ${p.experts.join(", ")}`);
  const parts = [
    taken.join("; ") || "no positions to compare",
    held.similarity === null ? "" : `smallest cosine ${held.similarity.toFixed(2)}`,
    held.converged ? "agreed" : "",
  ].filter(Boolean);
  const flips = held.flips.map((flip) => el("li", { text: flipLine(flip) }));
  return el(
    "li",
    {},
    el("h4", { text: title }),
    el("p", { text: `${parts.join("; ")}.` }),
    flips.length ? el("ul", { class: "flips" }, ...flips) : null,
    ...held.replies.map((reply) => replyPart(reply, held.number)),
  );
}

function flipLine(flip) {
  const way = DIRECTIONS[flip.direction];
  return `${flip.expert} changed from ${brief(flip.before, 60)} to ${brief(flip.after, 60)} (${way})`;
}

function dissent(lost) {
  const parts = lost.map((each) =>
    el(
      "section",
      {},
      el("h4", {}, el("bdi", {}, brief(each.position, 200))),
      el("p", { class: "muted", text: each.experts.join(", ") || "the minority" }),
      prose(each.text),
    ),
  );
  const note = count(lost.length, "position that lost", "positions that lost");
  return named("dissent", details("Dissent", { note }, ...parts));
}

/** Reviews, judgements and other texts about the answers. */
function deliberations(state) {
  const about = (piece) => piece.stage !== "answer" && !piece.stage.startsWith("round-");
  const pieces = [...state.pieces.values()].filter(about);
  if (!pieces.length) return null;
  const parts = pieces.map((piece) => {
    const reply = piece.reply ?? { ...piece, error: null };
    return written(piece.label, piece.model, piece.stage, piece.state, reply, facts(piece, piece.last));
  });
  const note = count(pieces.length, "text");
  return named("deliberation", details("Rankings, judgements and writing", { note }, ...parts));
}

function replyPart(reply, round) {
  const name = label(reply.id, reply.sample);
  const part = written(name, reply.model, "", ENDINGS[reply.status], reply, "");
  part.dataset.part += `, round ${round}`;
  return part;
}

function written(name, model, stage, state, reply, told) {
  const what = stage ? `${name}: ${stageName(stage)}` : name;
  const note = [model, STATES[state], told.trim()].filter(Boolean).join(" · ");
  const error = reply.error ? el("p", { class: "problem", text: `Failed: ${reply.error.message}` }) : null;
  const part = details(what, { class: "reply", note });
  part.append(error ?? "");
  part.dataset.part = what;
  // Made when it is first looked at: there may be hundreds of them.
  part.addEventListener("toggle", () => part.append(prose(reply.text)), { once: true });
  return part;
}

function prose(text) {
  const element = el("div", { class: "prose", dir: "auto" });
  new Prose(element).show(text || "No text.", true);
  return element;
}

/** Gives a part a name by which it stays open when it is made anew. */
function named(name, part) {
  part.dataset.part = name;
  part.classList.add("finding");
  return part;
}
