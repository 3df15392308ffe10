// The call that is going on, and its turns as they happen.
// @ts-check

import { Call } from "./call.js";
import { Card } from "./card.js";
import { now, resampled, Sound } from "./sound.js";
import { Sounds } from "./speech.js";
import { Tape } from "./tape.js";
import { CUT_WINDOW, Turn } from "./turn.js";
import { doubt } from "./wait.js";
import { encode } from "./wav.js";

/** @import { Level, Nested, Rehearsed, Said } from "./contract" */
/** @import { Under } from "./turn.js" */
/** @import { Server } from "./server.js" */

const PAUSE = 0.2; // seconds of silence that make a pause
const AGENT_GAP = 0.3; // seconds of silence that part two sounds of the agent, as sandbox/caller
const KEPT = 60; // frames before a turn begins
const RATE = 16000; // Hz of what the engine hears
const AFTER = 1.2; // seconds of silence that the engine needs at the end
const NO_ANSWER = 8; // seconds after the longest wait
const CALM = 0.5; // seconds between two drawings where people want less motion
const WATCH = 100; // milliseconds between two looks whether a turn is over
const FRAMES = 600; // durations that are kept

/** @typedef {"idle" | "asking" | "joining" | "waiting" | "talking"} State asking: for the microphone */

/**
 * How to begin a call.
 *
 * @typedef {object} Plan
 * @property {string} profile
 * @property {Nested} overrides
 * @property {boolean} microphone
 * @property {Under} under
 * @property {(card: Card) => void} place where its turns go
 * @property {string} [title] of its turns
 * @property {boolean} [alone] whether the other profiles are not asked
 */

/**
 * What happens.
 *
 * @typedef {object} Listener
 * @property {(under: Under) => void} begins a call, under these settings
 * @property {() => void} changed the state
 * @property {(text: string) => void} announce
 * @property {(kind: string, text: string) => void} trouble
 * @property {(kind: string) => void} fine
 */

/** Talking with the agent. */
export class Talk {
  /** @param {Server} server @param {Listener} on */
  constructor(server, on) {
    this._server = server;
    this._on = on;
    /** @type {State} */
    this.state = "idle";
    /** @type {Turn[]} */
    this.turns = [];
    /** @type {number[]} milliseconds of script of the latest frames */
    this.frames = [];
    /** The name of the agent that is called; empty for any. */
    this.agent = "";
    this.attributes = /** @type {{[name: string]: string}} */ ({});
    /** @type {Sound | null} */
    this._sound = null;
    /** @type {Call | null} */
    this._call = null;
    /** @type {Plan | null} */
    this._plan = null;
    this._own = new Sounds(PAUSE);
    this._agent = new Sounds(AGENT_GAP);
    this._tape = new Tape();
    /** @type {Turn | null} */
    this._turn = null;
    /** @type {Card | null} */
    this._card = null;
    /** @type {Level[]} the caller's, before a turn */
    this._before = [];
    /** @type {{said: Said, at: number}[]} what came before the turn that it belongs to */
    this._early = [];
    this._frame = 0;
    this._watch = 0;
    this._drawn = 0;
    this._calm = matchMedia("(prefers-reduced-motion: reduce)");
    /** @type {(() => void)[]} */
    this._waiting = [];
  }

  /** The name of the room; empty without a call. */
  get room() {
    return this._call?.name ?? "";
  }

  get usesMicrophone() {
    return this._plan?.microphone ?? false;
  }

  /**
   * Begin a call; resolves once the agent listens, or with false.
   *
   * @param {Plan} plan
   */
  async begin(plan) {
    if (this.state !== "idle") await this.end();
    this._own = new Sounds(PAUSE);
    this._agent = new Sounds(AGENT_GAP);
    this._tape = new Tape();
    this._before = [];
    this._early = [];
    this._plan = plan;
    this._on.begins(plan.under);
    this._enter(plan.microphone ? "asking" : "joining");
    const sound = new Sound((side, levels, samples) => this._heard(side, levels, samples));
    this._sound = sound;
    try {
      await sound.open();
      if (plan.microphone) {
        await sound.useMicrophone();
        sound.onMicrophoneEnded(() => this._on.trouble("microphone", "The microphone was unplugged or taken away. Plug it in and begin again, or play a recorded sentence."));
      }
      if (this._sound !== sound) return false;
      this._on.fine("microphone");
      this._enter("joining");
      this._call = new Call(this._server, sound, {
        said: (said, at) => this._said(said, at),
        agentState: (state) => this._agentState(state),
        eventsLost: () => this._on.trouble("events", "What the agent publishes can no longer be read: the page draws only what it hears until the next call."),
        ended: (reason) => this._ended(reason),
      });
      await this._call.join(plan.profile, plan.overrides);
    } catch (error) {
      if (this._sound === sound) await this._fail(error);
      return false;
    } finally {
      if (this._sound !== sound) await sound.close(); // ended meanwhile
    }
    if (this._stateNow() === "joining") this._enter("waiting");
    await this._until(() => this.state === "talking" || this.state === "idle");
    return this._stateNow() === "talking";
  }

  // For the type check: it does not see that an await changes the state.
  _stateNow() {
    return /** @type {State} */ (this.state);
  }

  /** End the call. */
  async end() {
    const call = this._call;
    const sound = this._sound;
    this._call = null;
    this._sound = null;
    if (this._turn) this._close(this._turn, now());
    this._enter("idle");
    await call?.end();
    await sound?.close();
  }

  /**
   * Say a recorded sentence; resolves with its turn once that is over.
   *
   * @param {string} name
   * @returns {Promise<Turn | null>}
   */
  async play(name) {
    const sound = this._sound;
    if (!sound || this.state !== "talking") return null;
    const before = this.turns.length;
    sound.openMicrophone(false);
    await sound.play(`sentences/${name}.ogg`);
    await this._until(() => this.state !== "talking" || this.turns.slice(before).some((turn) => turn.closed));
    sound.openMicrophone(true);
    return this.turns.slice(before).find((turn) => turn.closed) ?? null;
  }

  /** Let what is being said end early. */
  stopSentence() {
    this._sound?.stopSentence();
  }

  /**
   * Change what is in force.
   *
   * @param {string} metadata
   * @param {Under} under
   */
  async change(metadata, under) {
    if (!this._call || !this._plan) return;
    this._plan.under = under;
    if (this._turn && this._turn.heard === null) this._turn.under = under;
    try {
      await this._call.change(metadata);
      this._on.fine("change");
    } catch (error) {
      this._on.trouble("change", `The change did not reach the agent: ${text(error)}`);
    }
  }

  /** @param {State} state */
  _enter(state) {
    if (this.state === state) return;
    this.state = state;
    this._on.changed();
    this._wake();
  }

  /** @param {() => boolean} isDone */
  async _until(isDone) {
    while (!isDone()) await new Promise((resolve) => this._waiting.push(() => resolve(null)));
  }

  _wake() {
    const waiting = this._waiting;
    this._waiting = [];
    for (const resume of waiting) resume();
  }

  /** @param {unknown} error */
  async _fail(error) {
    const isRefused = error instanceof DOMException && this._plan?.microphone;
    await this.end();
    if (isRefused) this._on.trouble("microphone", refusal(/** @type {DOMException} */ (error)));
    else this._on.trouble("call", text(error));
  }

  /** @param {string} reason */
  _ended(reason) {
    const what = this.state === "joining" ? "The call did not begin" : "The call has ended";
    this._on.trouble("call", `${what}: ${reason}.`);
    void this.end();
  }

  /** @param {string} state */
  _agentState(state) {
    if (state === "listening" && this.state === "waiting") this._listens();
    else if (state === "listening" && this.state === "joining") this._listens();
  }

  _listens() {
    this._on.fine("silent");
    this._enter("talking");
  }

  /** @param {Said} said @param {number} at */
  _said(said, at) {
    if (said.type === "agent") {
      this.attributes = said.present ? (said.attributes ?? {}) : {};
      if (said.present) this._on.fine("agent");
      else {
        this._on.trouble("agent", "The agent has left the call. Its worker's log says why; begin again once it runs.");
        if (this.state === "talking") this._enter("waiting");
      }
      this._on.changed();
    } else if (said.type === "silent") {
      this._on.trouble("silent", silent(this.agent, said.after));
    } else if (said.type === "error") {
      this._on.trouble("agent", `The agent reports an error: ${said.message}`);
    } else {
      if (said.type === "agent_state") this._agentState(said.state);
      this._record(said, at);
    }
  }

  /** @param {Said} said @param {number} at */
  _record(said, at) {
    const turn = this._turn ?? this.turns.at(-1);
    if (!this._turn) this._early.push({ said, at });
    if (this._early.length > 20) this._early.shift();
    if (turn) add(turn, said, at);
    if (turn && !this._turn) this._card?.draw(now());
  }

  /** @param {"own" | "agent"} side @param {Level[]} levels @param {Float32Array[]} samples */
  _heard(side, levels, samples) {
    if (side === "own") this._heardOwn(levels, samples);
    else this._heardAgent(levels);
  }

  /** @param {Level[]} levels @param {Float32Array[]} samples */
  _heardOwn(levels, samples) {
    levels.forEach((level, index) => {
      const sound = samples[index];
      if (sound) this._tape.add(level.at, level.seconds, sound, this._turn !== null);
      (this._turn ? this._turn.own : this._before).push(level);
      if (this._before.length > KEPT) this._before.shift();
      const heard = this._own.add(level.at, level.seconds, level.level);
      if (heard === "began" && this.state === "talking") this._speaks();
    });
  }

  /** The caller begins, or goes on after a pause. */
  _speaks() {
    const span = /** @type {import("./contract").Span} */ (this._own.spans.at(-1));
    if (this._turn && this._isOver(this._turn, span.start)) this._close(this._turn, span.start);
    this._turn ??= this._open(span.start);
    this._turn.parts.push(span);
  }

  /** @param {number} started */
  _open(started) {
    const plan = /** @type {Plan} */ (this._plan);
    const turn = new Turn(this.turns.length + 1, started, plan.under);
    turn.own = this._before.splice(0);
    const speaking = this._agent.spans.at(-1);
    if (speaking && started - speaking.end < AGENT_GAP) turn.sounds.push(speaking);
    for (const { said, at } of this._early) if (at > started - AGENT_GAP) add(turn, said, at);
    this._early = [];
    this.turns.push(turn);
    this._card = new Card(turn, plan.title);
    plan.place(this._card);
    this._drawn = 0;
    this._on.announce("");
    // Not by frames: a hidden tab has none.
    this._watch = setInterval(() => this._look(), WATCH);
    if (!this._calm.matches) this._frame = requestAnimationFrame(() => this._draw());
    return turn;
  }

  /** @param {Level[]} levels */
  _heardAgent(levels) {
    for (const level of levels) {
      const heard = this._agent.add(level.at, level.seconds, level.level);
      const turn = this._turn ?? this.turns.at(-1);
      if (!turn || (turn.closed && turn.answer !== null)) continue;
      if (this._turn) turn.agent.push(level);
      if (heard === "began") this._answers(turn);
    }
  }

  /** @param {Turn} turn */
  _answers(turn) {
    const isFirst = turn.answer === null;
    turn.sounds.push(/** @type {import("./contract").Span} */ (this._agent.spans.at(-1)));
    if (!isFirst || turn.answer === null) return;
    if (turn.closed) this._card?.draw(now());
    this._announce(turn);
  }

  /** @param {Turn} turn */
  _announce(turn) {
    const { seconds } = turn.predicted;
    const beside = seconds === null || turn.cutIn ? "" : `, decision predicted after ${seconds.toFixed(1)} s`;
    this._on.announce(`${turn.verdict}${beside}`);
  }

  /** Whether a turn is over. @param {Turn} turn @param {number} at */
  _isOver(turn, at) {
    const silence = at - (turn.parts.at(-1)?.end ?? at);
    if (turn.answer === null) {
      const longest = turn.under.wait.seconds[1] ?? turn.under.wait.seconds[0];
      return silence > longest + NO_ANSWER;
    }
    return at - turn.answer > CUT_WINDOW && silence > AFTER;
  }

  /** Close the turn if it is over; draw it now and then where people want less motion. */
  _look() {
    const turn = this._turn;
    const at = now();
    if (!turn) return;
    if (this._isOver(turn, at)) this._close(turn, at);
    else if (this._calm.matches && at - this._drawn >= CALM) {
      this._card?.draw(at);
      this._drawn = at;
    }
  }

  _draw() {
    const begun = performance.now();
    this._card?.draw(now());
    this.frames.push(performance.now() - begun);
    if (this.frames.length > FRAMES) this.frames.shift();
    this._frame = requestAnimationFrame(() => this._draw());
  }

  /** @param {Turn} turn @param {number} at */
  _close(turn, at) {
    turn.closed = true;
    turn.end = at;
    this._turn = null;
    clearInterval(this._watch);
    cancelAnimationFrame(this._frame);
    const card = /** @type {Card} */ (this._card);
    card.draw(at);
    if (turn.cutIn || turn.answer === null) this._announce(turn);
    if (!this._plan?.alone) void this._ask(turn, card);
    this._wake();
  }

  /** What the other profiles would have done with this turn. @param {Turn} turn @param {Card} card */
  async _ask(turn, card) {
    const since = this._tape.since;
    const frames = this._tape.take();
    const plan = this._plan;
    const rate = this._sound?.context.sampleRate ?? 0;
    if (!plan || !rate || frames.length === 0) return;
    turn.othersOffset = since;
    turn.othersMessage = "asking what the other profiles would have done";
    card.draw(turn.end);
    try {
      const sound = encode(await resampled(frames, rate, RATE), RATE);
      const overrides = turn.under.tuned ? `&overrides=${encodeURIComponent(JSON.stringify(plan.overrides))}` : "";
      const path = `/api/turn?profile=${encodeURIComponent(turn.under.profile)}${overrides}`;
      /** @type {Rehearsed} */
      const rehearsed = await this._server.ask(path, { method: "POST", body: sound, headers: { "Content-Type": "audio/wav" } });
      turn.others = rehearsed.profiles;
      const again = rehearsed.profiles.find((each) => each.profile === turn.under.profile);
      turn.othersMessage = doubt(again, turn.prediction);
    } catch (error) {
      turn.othersMessage = `What the other profiles would have done is unknown: ${text(error)}`;
    }
    card.draw(turn.end);
  }
}

/** Add what the agent published to a turn. @param {Turn} turn @param {Said} said @param {number} at */
function add(turn, said, at) {
  if (said.type === "agent_state") turn.states.push({ at, state: said.state });
  else if (said.type === "prediction") turn.predictions.push({ at, probability: said.probability, threshold: said.threshold });
  else if (said.type === "user_state" && said.state === "speaking") turn.vad.push({ start: at, end: Infinity });
  else if (said.type === "user_state") {
    const last = turn.vad.at(-1);
    if (last?.end === Infinity) last.end = at;
  } else if (said.type === "transcript" && said.final) turn.words = `${turn.words} ${said.text}`.trim();
}

/** @param {string} agent @param {number} seconds */
function silent(agent, seconds) {
  const check = agent
    ? "Is a worker running whose agent has this name? `--agent` names another one."
    : "Is a worker running? One whose agent has a name is called only with `--agent`.";
  return `No agent${agent ? ` named ${agent}` : ""} has come within ${seconds} s. ${check} The call goes on waiting.`;
}

/** @param {DOMException} error */
function refusal(error) {
  if (error.name === "NotAllowedError") return "The microphone was refused. Allow it in the browser's address bar and begin again, or play a recorded sentence: that needs no microphone.";
  if (error.name === "NotFoundError") return "No microphone was found. Plug one in and begin again, or play a recorded sentence.";
  return `The microphone cannot be used (${error.message}). Close other programs that use it, or play a recorded sentence.`;
}

/** @param {unknown} error */
function text(error) {
  return error instanceof Error ? error.message : String(error);
}
