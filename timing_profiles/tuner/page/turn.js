// One turn of the caller: what was heard, what the agent published, and what follows from both.
// @ts-check

import { predicted } from "./wait.js";

/** @import { Level, Outcome, Prediction, Span, Values, Wait } from "./contract" */

// A caller who goes on so soon after the agent's first sound was cut off (DESIGN of outcomes).
export const CUT_WINDOW = 2;

const STATE_LATE = 0.3; // seconds that a state may be published after the sound that it is about
const EARLY = 0.3; // seconds by which the agent's VAD may take speech for silence earlier
export const VAD_LAG = 0.09; // seconds, in the mean: see turns/wait.py, whose predictions contain it

/** The settings that a turn was spoken under. @typedef {{profile: string, tuned: boolean, wait: Wait, values: Values}} Under */

/** A turn. Times are seconds of the page's clock. */
export class Turn {
  /**
   * @param {number} number
   * @param {number} started when the caller's first sound was
   * @param {Under} under
   */
  constructor(number, started, under) {
    this.number = number;
    this.started = started;
    this.under = under;
    this.closed = false;
    /** Seconds at which it was closed. */
    this.end = started;
    /** @type {Span[]} the caller's, parted by pauses */
    this.parts = [];
    /** @type {Span[]} the agent's */
    this.sounds = [];
    /** @type {Level[]} */
    this.own = [];
    /** @type {Level[]} */
    this.agent = [];
    /** @type {Prediction[]} */
    this.predictions = [];
    /** @type {{at: number, state: string}[]} the agent's */
    this.states = [];
    /** @type {Span[]} when the VAD heard the caller; an open one ends at infinity */
    this.vad = [];
    this.words = "";
    /** @type {Outcome[] | null} */
    this.others = null;
    this.othersMessage = "";
    this.othersOffset = 0;
  }

  /** The agent's first sound after the caller's first pause. @returns {number | null} */
  get answer() {
    const first = this.parts[0];
    if (!first) return null;
    return this.sounds.find((sound) => sound.start > first.end)?.start ?? null;
  }

  /** The caller's last sound before the answer, or so far. */
  get lastSound() {
    const answer = this.answer ?? Infinity;
    const before = this.parts.filter((part) => part.end < answer);
    return before.at(-1)?.end ?? this.parts.at(-1)?.end ?? this.started;
  }

  /** Seconds from the last sound to the answer. @returns {number | null} */
  get heard() {
    return this.answer === null ? null : this.answer - this.lastSound;
  }

  /** Whether the agent spoke before the caller had finished. */
  get cutIn() {
    const answer = this.answer;
    if (answer === null) return false;
    return this.parts.some((part) => part.end > answer && part.start - answer <= CUT_WINDOW);
  }

  /** When the agent decided that the turn is over, as it published. @returns {number | null} */
  get decided() {
    const since = this.parts[0]?.end ?? Infinity;
    const until = this.answer ?? Infinity;
    const found = this.states.filter(({ at }) => at > since && at <= until + STATE_LATE);
    const thinking = found.findLast(({ state }) => state === "thinking");
    return (thinking ?? found.find(({ state }) => state === "speaking"))?.at ?? null;
  }

  /** The same in seconds after the last sound; below 0 if the caller went on meanwhile. @returns {number | null} */
  get decidedAfter() {
    return this.decided === null ? null : this.decided - this.lastSound;
  }

  /** The detector's last prediction before the decision. @returns {Prediction | null} */
  get prediction() {
    const until = this.decided ?? this.answer ?? Infinity;
    const since = this.lastSound - EARLY;
    return this.predictions.findLast(({ at }) => at <= until && at >= since) ?? null;
  }

  /** What the settings predict. */
  get predicted() {
    return predicted(this.under.wait, this.under.values, this.prediction);
  }

  /**
   * Seconds that the voice took to the agent: browser, network, and the room. They are those from
   * the last sound to the end of speech as the agent's VAD has it, without the VAD's own lag.
   * @returns {number | null}
   */
  get onTheWay() {
    const until = this.decided ?? Infinity;
    const ended = this.vad.findLast(({ end }) => end <= until && end >= this.lastSound - EARLY);
    return ended ? Math.max(0, ended.end - this.lastSound - VAD_LAG) : null;
  }

  /**
   * Decision minus prediction, in seconds, without the way to the agent where that is known; null
   * where one is unknown.
   * @returns {number | null}
   */
  get difference() {
    const { seconds } = this.predicted;
    const after = this.decidedAfter;
    return after === null || after < 0 || seconds === null ? null : after - (this.onTheWay ?? 0) - seconds;
  }

  /** A sentence for people, and for screen readers. */
  get verdict() {
    const heard = this.heard;
    if (heard === null) return this.closed ? "no answer" : "waiting for the answer";
    if (this.cutIn) return `cut in after ${heard.toFixed(1)} s, you had not finished`;
    return `answered after ${heard.toFixed(1)} s`;
  }
}
