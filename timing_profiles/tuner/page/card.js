// A turn on the page: what came of it in words, its picture, and what the others would have done.
// @ts-check

import { h, set, write } from "./dom.js";
import { outcome, Picture } from "./picture.js";
import { difference, finished, seconds } from "./wait.js";

/** @import { Turn } from "./turn.js" */

/** A card. */
export class Card {
  /** @param {Turn} turn @param {string} [title] in place of the profile's name */
  constructor(turn, title) {
    this.turn = turn;
    this._title = title;
    this._verdict = h("p", { class: "verdict" });
    this._facts = h("dl", { class: "facts" });
    this._words = h("p", { class: "words" });
    this._others = h("p", { class: "others" });
    this._list = h("ul", { class: "visually-hidden" });
    const figure = h("div", { class: "strip" });
    this._heading = h("h3", {});
    this.root = h("li", { class: "turn" });
    this.root.append(
      h("div", { class: "head" }, this._heading, this._verdict),
      figure,
      this._facts,
      this._words,
      this._others,
      this._list,
    );
    this._picture = new Picture(figure);
    this._drawn = "";
  }

  /** @param {string} title */
  rename(title) {
    this._title = title;
    write(this._heading, title);
  }

  /** Draw the turn as it is at a moment. @param {number} now */
  draw(now) {
    const { turn } = this;
    this._picture.draw(turn, now);
    // Words change seldom: only what differs is written.
    const state = [turn.heard, turn.decided, turn.prediction?.at, turn.cutIn, turn.closed, turn.words, turn.others, turn.othersMessage].join();
    if (state === this._drawn) return;
    this._drawn = state;
    write(this._heading, this._title ?? `${turn.number}. ${turn.under.profile}${turn.under.tuned ? ", tuned" : ""}`);
    write(this._verdict, this._result());
    set(this.root, "data-result", turn.heard === null ? "open" : turn.cutIn ? "cut" : "answered");
    for (const [name, value] of Object.entries({ heard: turn.heard, decided: turn.decidedAfter, predicted: turn.predicted.seconds })) {
      set(this.root, `data-${name}`, value === null ? null : value.toFixed(3));
    }
    this._facts.replaceChildren(...facts(turn).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    this._picture.describe(turn);
    write(this._words, turn.words ? `understood: \u201c${turn.words}\u201d` : "");
    write(this._others, turn.othersMessage);
    const others = turn.others ?? [];
    this._list.replaceChildren(...others.map((each) => h("li", {}, `${each.profile} ${outcome(each)}`)));
  }

  _result() {
    const { heard, cutIn, closed } = this.turn;
    if (heard === null) return closed ? "no answer" : "listening";
    return cutIn ? `cut in after ${seconds(heard)}` : `answered after ${seconds(heard)}`;
  }
}

/** The numbers of a turn, and what is unknown. @param {Turn} turn @returns {[string, string][]} */
function facts(turn) {
  const { heard, prediction, predicted, decidedAfter: decided } = turn;
  if (heard === null && (!turn.closed || decided === null)) return [];
  const rest = heard === null || decided === null ? null : heard - decided;
  const why = prediction && predicted.seconds !== null ? `sounded ${finished(prediction) ? "finished" : "unfinished"}` : predicted.why;
  return [
    ["agent decided", decided === null ? "unknown" : decided < 0 ? "before you went on" : seconds(decided)],
    ["predicted", predicted.seconds === null ? `unknown: ${why}` : `${seconds(predicted.seconds)} (${why})`],
    ["your voice on its way", turn.onTheWay === null ? "unknown" : seconds(turn.onTheWay)],
    ["difference", turn.difference === null ? "unknown" : difference(turn.difference)],
    ["LLM, voice, network", rest === null ? "unknown" : seconds(Math.max(0, rest))],
  ];
}
