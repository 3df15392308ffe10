// The page: what is chosen, what is in force, and what is wrong.
// @ts-check

import { Compare, TUNED } from "./compare.js";
import { load } from "./call.js";
import { byId, enable, h, keepFocusInSight, list, onPress, show, write } from "./dom.js";
import { Keep } from "./keep.js";
import { Profiles } from "./profiles.js";
import { Gone, Refused, Server } from "./server.js";
import { Settings } from "./settings.js";
import { Talk } from "./talk.js";
import { differing, nested, same } from "./values.js";
import { waitText } from "./wait.js";

/** @import { Preview, Problem, Profile, ProfileSet, Value, Values } from "./contract" */
/** @import { Card } from "./card.js" */
/** @import { Under } from "./turn.js" */

const CARDS = 12;
const KEPT = "timing-profiles tune";
const CALLING = "timing-profiles call";

/** Who may end a turn later than the settings. @type {{[party: string]: string}} */
const LATER = { deepgram: "Deepgram", application: "the application" };

class Page {
  constructor() {
    this.server = new Server(new URLSearchParams(location.search).get("token") ?? "");
    /** @type {ProfileSet} */
    this.set = /** @type {any} */ (null);
    this.name = "";
    /** @type {Values} */
    this.overrides = {};
    /** @type {Preview | null} */
    this.preview = null;
    /** The settings that the call began with. @type {Values | null} */
    this.begunWith = null;
    this._previewing = 0;
    this._isSent = false;
    this._isPlaying = false;
    this._isLeaving = false;
    /** @type {Promise<void>} */
    this._looking = Promise.resolve();
    this.talk = new Talk(this.server, {
      begins: (under) => this._begins(under),
      changed: () => this.update(),
      announce: (text) => this.announce(text),
      trouble: (kind, text) => this.trouble(kind, text),
      fine: (kind) => this.fine(kind),
    });
    this.profiles = new Profiles(byId("profiles"), (name) => this.choose(name));
    this.settings = new Settings((path, value) => this.move(path, value));
    this.compare = new Compare(this.talk, (name) => this.side(name), (text) => this.announce(text), () => this.update());
    this.keep = new Keep(
      this.server,
      () => ({ base: this.name, overrides: nested(this.moved), isTuned: this.isTuned }),
      (name) => void this.written(name),
      (text) => this.announce(text),
    );
    this.channel = new BroadcastChannel("timing-profiles tune");
  }

  /** @returns {Profile} */
  get profile() {
    const found = this.set.profiles.find((each) => each.name === this.name) ?? this.set.profiles[0];
    if (!found) throw new Error("The server has no profiles.");
    return found;
  }

  /** The overrides that differ from the profile. */
  get moved() {
    return differing(this.overrides, this.profile.values);
  }

  get isTuned() {
    return Object.keys(this.moved).length > 0;
  }

  async start() {
    this._listen();
    try {
      this.set = await this.server.ask("/api/set");
    } catch (error) {
      this.trouble("server", first(error));
      return;
    }
    this._offerSentences();
    this._restore();
    this.settings.build(this.set);
    this.showSet();
    await this.look();
    this.server.follow("/api/changes", {
      heard: ({ revision, problems }) => {
        if (revision !== this.set.revision || !same(problems, this.set.problems)) void this.reload();
      },
      lost: () => this.trouble("server", "The server of this page has stopped. Start `make dev` or `timing-profiles tune` again. A running call continues, without what the agent publishes."),
      back: () => void this.reload(),
      refused: (error) => this.trouble("server", first(error)),
    });
    byId("page").dataset["ready"] = "true";
    // Before the first call needs it; if it fails, that call gives the reason.
    load().catch(() => {});
  }

  _listen() {
    byId("begin").addEventListener("click", () => void this.begin(true));
    onPress(byId("play"), () => void this.play());
    byId("end").addEventListener("click", () => void this.end());
    byId("again").addEventListener("click", () => void this.again());
    byId("reset").addEventListener("click", () => this.resetAll());
    this.channel.addEventListener("message", () => this._otherTab());
    keepFocusInSight(byId("talk"));
    addEventListener("pagehide", () => {
      this._isLeaving = true;
      void this.talk.end();
    });
  }

  _offerSentences() {
    for (const id of ["sentence", "compare-sentence"]) {
      byId(id).replaceChildren(...this.set.sentences.map((each) => h("option", { value: each.name }, each.title)));
    }
  }

  /** What was chosen before the page was loaded again. */
  _restore() {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    const names = this.set.profiles.map((each) => each.name);
    const wanted = [kept.name, this.set.profile, "default", names[0]];
    this.name = wanted.find((name) => names.includes(name)) ?? "";
    if (kept.name === this.name) this.overrides = kept.overrides ?? {};
    const room = sessionStorage.getItem(CALLING);
    if (!room) return;
    sessionStorage.removeItem(CALLING);
    this.server.ask(`/api/calls/${room}`, { method: "DELETE" }).catch(() => {});
    this.trouble("call", "The page was loaded again during a call, which has ended. Your settings are still here.");
  }

  _remember() {
    if (this._isLeaving) return;
    const kept = { name: this.name, overrides: this.overrides };
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
    if (this.talk.room && this.talk.state !== "idle") sessionStorage.setItem(CALLING, this.talk.room);
    else sessionStorage.removeItem(CALLING);
  }

  showSet() {
    this.talk.agent = this.set.agent ?? "";
    this.profiles.show(this.set, this.name);
    this.keep.offer(this.set);
    const where = this.set.agent ? `agent ${this.set.agent}` : "the agent that takes every call";
    write(byId("where"), `${where}, ${this.set.livekit_url}`);
    const broken = this.set.broken;
    if (broken) this.trouble("set", `The profile files have an error; the last valid set is used until it is repaired.\n${problems(this.set.problems) || broken}`);
    else this.fine("set");
  }

  /** The files have changed, or the server is back. */
  async reload() {
    try {
      const found = await this.server.ask("/api/set");
      const isNew = !same(found.fields.map(pathOf), this.set.fields.map(pathOf));
      this.set = found;
      if (!found.profiles.some((/** @type {Profile} */ each) => each.name === this.name)) {
        this.trouble("profile", `The profile ${this.name} is gone: its file was removed. default is chosen now.`);
        this.name = "default";
        this.overrides = {};
      }
      if (isNew) this.settings.build(found);
      this.fine("server");
    } catch (error) {
      this.trouble("server", first(error));
      return;
    }
    this.showSet();
    await this.look();
  }

  /** @param {string} name */
  choose(name) {
    this.name = name;
    this.overrides = {};
    void this.look(true);
  }

  /** @param {string} path @param {Value | undefined} value */
  move(path, value) {
    if (value === undefined) delete this.overrides[path];
    else this.overrides[path] = value;
    this.overrides = this.moved;
    void this.look(true);
  }

  resetAll() {
    this.overrides = {};
    void this.look(true);
  }

  /** Ask what the settings mean, and send them if a call runs. @param {boolean} [isSent] */
  look(isSent = false) {
    this._isSent ||= isSent;
    this._previewing += 1;
    const asked = this._previewing;
    if (this.preview?.profile !== this.name) this.preview = null;
    this.update();
    // One request at a time: of a slider's many positions only the latest is asked for.
    this._looking = this._looking.then(() => this._look(asked));
    return this._looking;
  }

  /** @param {number} asked */
  async _look(asked) {
    if (asked !== this._previewing) return;
    const body = { profile: this.name, overrides: nested(this.moved) };
    try {
      const preview = await this.server.post("/api/preview", body);
      if (asked !== this._previewing) return;
      this.preview = preview;
      this.fine("preview");
    } catch (error) {
      if (asked === this._previewing) this.trouble("preview", `What these settings do is unknown: ${first(error)}`);
      return;
    }
    this.update();
    const isSent = this._isSent;
    this._isSent = false;
    if (isSent && this._isSendable()) void this.talk.change(/** @type {Preview} */ (this.preview).metadata, this.under());
    void this.keep.update();
  }

  _isSendable() {
    const isCalling = this.talk.state === "waiting" || this.talk.state === "talking";
    return isCalling && !this.compare.isRunning && (this.preview?.problems.length ?? 1) === 0;
  }

  /** What turns are spoken under from now on. @returns {Under} */
  under() {
    const { values, wait } = this.preview ?? this.profile;
    return { profile: this.name, tuned: this.isTuned, wait, values };
  }

  /** One side of a comparison. @param {string} name */
  async side(name) {
    const isTuned = name.endsWith(TUNED);
    const profile = name.replace(TUNED, "");
    const overrides = isTuned ? nested(this.moved) : {};
    /** @type {Preview} */
    const preview = await this.server.post("/api/preview", { profile, overrides });
    const under = { profile, tuned: isTuned, wait: preview.wait, values: preview.values };
    return { name, profile, overrides, under };
  }

  /** @param {boolean} microphone */
  async begin(microphone) {
    await this._looking;
    const under = this.under();
    const plan = { profile: this.name, overrides: nested(this.moved), microphone, under };
    return this.talk.begin({ ...plan, place: (card) => this._place(card) });
  }

  /** A call begins, also one of a comparison. @param {Under} under */
  _begins(under) {
    for (const kind of ["call", "silent", "agent", "events", "microphone", "change"]) this.fine(kind);
    this.channel.postMessage("begun");
    this.begunWith = under.values;
  }

  /** Say a recorded sentence, in the call that runs or in a new one. */
  async play() {
    const sentence = /** @type {HTMLSelectElement} */ (byId("sentence")).value;
    if (this.talk.state === "idle" && !(await this.begin(false))) return;
    this._isPlaying = true;
    this.update();
    try {
      await this.talk.play(sentence);
    } finally {
      this._isPlaying = false;
      this.update();
    }
  }

  async end() {
    await this.talk.end();
    byId("begin").focus();
  }

  /** End the call and begin one that has every setting. */
  async again() {
    const { usesMicrophone } = this.talk;
    await this.talk.end();
    await this.begin(usesMicrophone);
  }

  /** @param {string} name */
  async written(name) {
    this.name = name;
    this.overrides = {};
    await this.reload();
  }

  /** @param {Card} card */
  _place(card) {
    const list = byId("turns");
    list.prepend(card.root);
    // Who reads or edits elsewhere stays there.
    const place = document.activeElement?.closest("section");
    if (!place || place.contains(card.root)) card.root.scrollIntoView({ block: "nearest" });
    while (list.children.length > CARDS) list.lastElementChild?.remove();
    show(byId("empty"), false);
  }

  _otherTab() {
    if (this.talk.state === "idle") return;
    this.trouble("call", "Another tab of this page has begun a call, so this one has ended: two agents would answer each other.");
    void this.talk.end();
  }

  /** Show everything as it is. */
  update() {
    if (!this.set) return;
    const { state } = this.talk;
    const isCalling = state !== "idle";
    this._remember();
    this.profiles.choose(this.name);
    this.settings.update(this.profile, this.moved, this.preview, isCalling);
    this.compare.offer(this.set, this.name, this.isTuned);
    this.compare.update();
    byId("page").dataset["state"] = state;
    const begin = byId("begin");
    const end = byId("end");
    const isEndable = isCalling && !this.compare.isRunning;
    // What takes the place of the other is shown first: it may get the focus.
    show(isCalling ? end : begin, isCalling ? isEndable : true);
    show(isCalling ? begin : end, false, isCalling ? end : begin);
    enable(byId("play"), !this.compare.isRunning && !this._isPlaying && (state === "idle" || state === "talking"));
    write(byId("status"), this._status());
    this._showWait();
    this._showNextCall(isCalling);
    show(byId("reset"), this.isTuned, byId("settings-title"));
  }

  _status() {
    const { state, usesMicrophone } = this.talk;
    if (state === "asking") return "Your browser asks whether this page may use the microphone: allow it.";
    if (state === "joining") return "Joining a room\u2026";
    if (state === "waiting") return "Waiting for the agent\u2026";
    if (state === "idle") return "Start talking, or play a recorded sentence.";
    if (this.compare.isRunning) return "Comparing two profiles\u2026";
    if (this._isPlaying) return "Your sentence is played; the agent answers after it.";
    return usesMicrophone ? "The agent is listening. Say something, then stop." : "The agent is listening. Play a sentence.";
  }

  _showWait() {
    const under = this.under();
    write(byId("now-name"), `${this.name}${this.isTuned ? ", tuned" : ""}`);
    write(byId("now-wait"), waitText(under.wait));
    const on = under.wait.unknown.map((each) => LATER[each] ?? each);
    write(byId("now-unknown"), `LLM, voice and network add to that${on.length ? `; so does ${on.join(" and ")}, if slower` : ""}.`);
    const preview = this.preview;
    const summary = preview?.summary ?? this.profile.summary;
    list(byId("now-summary"), summary);
    const wrong = preview?.problems ?? [];
    list(byId("wrong"), wrong.map(describe));
    show(byId("wrong-box"), wrong.length > 0);
    const doubts = preview?.warnings ?? [];
    list(byId("doubts"), doubts.map(describe));
    show(byId("doubts"), doubts.length > 0);
  }

  /** @param {boolean} isCalling */
  _showNextCall(isCalling) {
    const { values, dead } = this.preview ?? this.profile;
    const begun = this.begunWith;
    const isWaiting = (/** @type {{path: string, live: boolean}} */ { path, live }) =>
      !live && !(path in dead) && !same(values[path] ?? null, begun?.[path] ?? null);
    const waiting = !isCalling || !begun || this.compare.isRunning ? [] : this.set.fields.filter(isWaiting);
    show(byId("next-call"), waiting.length > 0, isCalling ? byId("end") : byId("begin"));
    if (waiting.length > 0) write(byId("next-call-what"), `Takes effect in the next call: ${waiting.map((each) => each.path).join(", ")}.`);
  }

  /** Say it where a screen reader hears it. @param {string} text */
  announce(text) {
    write(byId("announced"), text);
  }

  /** Tell what went wrong; the same kind stands once. @param {string} kind @param {string} text */
  trouble(kind, text) {
    const shown = byId("troubles").querySelector(`[data-kind="${kind}"] p`);
    if (shown) {
      shown.replaceChildren(...withCode(text));
      return;
    }
    const close = h("button", { type: "button", class: "link", onclick: () => this.fine(kind) }, "Close");
    byId("troubles").append(h("div", { class: "trouble", "data-kind": kind }, h("p", {}, ...withCode(text)), close));
  }

  /** It is over. @param {string} kind */
  fine(kind) {
    const found = byId("troubles").querySelector(`[data-kind="${kind}"]`);
    const isFocused = found?.contains(document.activeElement);
    found?.remove();
    if (isFocused) (this.talk.state === "idle" ? byId("begin") : byId("end")).focus();
  }

}

/** What stands between backquotes is code. @param {string} text */
function withCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** @param {Problem[]} found */
function problems(found) {
  return found.map((each) => [each.file, each.line].filter((part) => part).join(":") + (each.file ? ": " : "") + describe(each)).join("\n");
}

/** @param {Problem} problem */
function describe(problem) {
  const hint = problem.hint ? ` (${problem.hint})` : "";
  return `${problem.path ? `${problem.path}: ` : ""}${problem.message}${hint}`;
}

/** @param {{path: string}} field */
function pathOf(field) {
  return field.path;
}

/** @param {unknown} error */
function first(error) {
  if (error instanceof Refused && error.status === 401) return "This address is no longer valid: the server was started again. Open the address that it printed last.";
  if (error instanceof Gone) return "The server of this page does not answer. Start `make dev` or `timing-profiles tune` again.";
  return error instanceof Error ? error.message : String(error);
}

const page = new Page();
window.tuner = { talk: page.talk, page };
await page.start();
