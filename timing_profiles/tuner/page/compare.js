// A/B: the same recorded sentence under two profiles, blind if wanted.
// @ts-check

import { byId, enable, list, onPress, show, write } from "./dom.js";

/** @import { Nested, ProfileSet } from "./contract" */
/** @import { Card } from "./card.js" */
/** @import { Talk } from "./talk.js" */
/** @import { Under } from "./turn.js" */

/** The settings as they are now, by the name that stands in the lists. */
export const TUNED = " as tuned";

/** One side. @typedef {{name: string, profile: string, overrides: Nested, under: Under}} Side */

/** The comparison. */
export class Compare {
  /**
   * @param {Talk} talk
   * @param {(name: string) => Promise<Side>} side the settings of a name in the lists
   * @param {(text: string) => void} announce
   * @param {() => void} changed whether it runs
   */
  constructor(talk, side, announce, changed) {
    this._talk = talk;
    this._side = side;
    this._announce = announce;
    this._changed = changed;
    this._isRunning = false;
    this._isStopped = false;
    onPress(byId("compare-begin"), () => void (this._isRunning ? this._stop() : this._run()));
    for (const button of byId("vote").querySelectorAll("button")) {
      button.addEventListener("click", () => this._vote(button.value));
    }
    /** @type {{side: Side, card: Card | null}[]} */
    this._heard = [];
  }

  get isRunning() {
    return this._isRunning;
  }

  /** Offer the profiles of a set. @param {ProfileSet} set @param {string} chosen @param {boolean} isTuned */
  offer(set, chosen, isTuned) {
    const names = set.profiles.map((each) => each.name);
    const all = isTuned ? [`${chosen}${TUNED}`, ...names] : names;
    for (const [id, first] of [["compare-a", "brisk"], ["compare-b", "patient"]]) {
      const select = /** @type {HTMLSelectElement} */ (byId(/** @type {string} */ (id)));
      const former = select.value;
      list(select, all, "option");
      const wanted = [former, first, all[0]].find((name) => all.includes(name ?? ""));
      select.value = wanted ?? "";
    }
  }

  update() {
    const button = byId("compare-begin");
    enable(button, this._isRunning || !["asking", "joining"].includes(this._talk.state));
    write(button, this._isRunning ? "Stop" : "Play both");
  }

  async _stop() {
    this._isStopped = true;
    await this._talk.end();
  }

  async _run() {
    const names = ["compare-a", "compare-b"].map((id) => /** @type {HTMLSelectElement} */ (byId(id)).value);
    const isBlind = /** @type {HTMLInputElement} */ (byId("blind")).checked;
    const sentence = /** @type {HTMLSelectElement} */ (byId("compare-sentence")).value;
    if (isBlind && Math.random() < 0.5) names.reverse();
    this._heard = [];
    byId("compared").replaceChildren();
    show(byId("vote"), false);
    this._isRunning = true;
    this._isStopped = false;
    this._changed();
    try {
      for (const [index, name] of names.entries()) {
        const isHeard = await this._play(name, index, isBlind, sentence);
        if (this._isStopped) write(byId("compare-status"), "Stopped.");
        if (this._isStopped || !isHeard) return;
      }
    } catch (error) {
      write(byId("compare-status"), error instanceof Error ? error.message : String(error));
      return;
    } finally {
      await this._talk.end();
      this._isRunning = false;
      this._changed();
    }
    if (isBlind) show(byId("vote"), true);
    else this._reveal("");
    write(byId("compare-status"), isBlind ? "Which one felt better?" : this._result());
  }

  /** @param {string} name @param {number} index @param {boolean} isBlind @param {string} sentence */
  async _play(name, index, isBlind, sentence) {
    const side = await this._side(name);
    if (this._isStopped) return false;
    const title = isBlind ? ORDER[index] : side.name;
    /** @type {{side: Side, card: Card | null}} */
    const heard = { side, card: null };
    this._heard.push(heard);
    write(byId("compare-status"), `${title}: calling`);
    const isTalking = await this._talk.begin({
      profile: side.profile,
      overrides: side.overrides,
      under: side.under,
      microphone: false,
      alone: true,
      title,
      place: (card) => {
        heard.card ??= card;
        if (!isBlind && heard.card === card) byId("compared").append(card.root);
      },
    });
    if (!isTalking) {
      write(byId("compare-status"), `${title}: the call was not answered`);
      return false;
    }
    write(byId("compare-status"), `${title}: listen`);
    const turn = await this._talk.play(sentence);
    // A call that ends closes its turn, too.
    const isHeard = turn !== null && this._talk.state !== "idle";
    await this._talk.end();
    if (!isHeard) write(byId("compare-status"), `${title}: the call ended before the answer`);
    return isHeard;
  }

  /** @param {string} choice */
  _vote(choice) {
    show(byId("vote"), false);
    const first = this._heard[0]?.side.name ?? "";
    const second = this._heard[1]?.side.name ?? "";
    const preferred = choice === "first" ? first : choice === "second" ? second : "";
    const text = preferred ? `You preferred ${preferred}.` : "You heard no difference.";
    this._reveal(`${text} First was ${first}, second ${second}. ${this._result()}`);
    byId("compare-begin").focus();
  }

  /** @param {string} text */
  _reveal(text) {
    for (const { side, card } of this._heard) {
      if (!card) continue;
      card.rename(side.name);
      byId("compared").append(card.root);
    }
    if (!text) return;
    write(byId("compare-status"), text);
    this._announce(text);
  }

  _result() {
    return this._heard.map(({ side, card }) => `${side.name} ${card?.turn.verdict ?? "was not heard"}`).join("; ");
  }
}

const ORDER = ["First", "Second"];
