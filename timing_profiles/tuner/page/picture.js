// The picture of one turn, in the colours of docs/timeline.svg.
// @ts-check

import { Axis, span } from "./axis.js";
import { finished, number, running, seconds } from "./wait.js";

/** @import { Level, Outcome } from "./contract" */
/** @import { Turn } from "./turn.js" */

const SVG = "http://www.w3.org/2000/svg";
const WIDE = 480; // pixels from which the names stand beside the rows
const NAMES = 118; // their width
const TOP = 26;
const NAME_LETTERS = 17; // of a profile, beside its row
const LETTER = 6.6; // pixels at most, of the small text
const BAR = 5; // pixels from one bar to the next
const LOUD = 0.25; // root mean square that fills a row
const QUIET = 0.004; // root mean square below which nothing is drawn

const BEHIND = new Set(["line grid", "line zero", "line moment", "range"]);

/** Attributes. @typedef {{[name: string]: string | number}} Attributes */

/** Elements that are kept from one drawing to the next. */
class Ink {
  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this._svg = svg;
    /** @type {Map<string, {element: SVGElement, attributes: Attributes, text: string}>} */
    this._kept = new Map();
    /** @type {Set<string>} */
    this._used = new Set();
  }

  begin() {
    this._used.clear();
  }

  /**
   * Draw an element, or move the one that was drawn under the same key.
   *
   * @param {string} key
   * @param {string} tag
   * @param {Attributes} attributes
   * @param {string} [text]
   */
  put(key, tag, attributes, text = "") {
    this._used.add(key);
    let kept = this._kept.get(key);
    if (!kept) {
      kept = { element: document.createElementNS(SVG, tag), attributes: {}, text: "" };
      this._kept.set(key, kept);
      if (BEHIND.has(String(attributes["class"]))) this._svg.prepend(kept.element);
      else this._svg.append(kept.element);
    }
    for (const [name, value] of Object.entries(attributes)) {
      if (kept.attributes[name] !== value) kept.element.setAttribute(name, String(value));
    }
    kept.attributes = attributes;
    if (kept.text !== text) kept.element.textContent = text;
    kept.text = text;
  }

  end() {
    for (const [key, { element }] of this._kept) {
      if (this._used.has(key)) continue;
      element.remove();
      this._kept.delete(key);
    }
  }
}

/** The loudness of one side as bars; of the levels only the new ones are looked at. */
class Bars {
  constructor() {
    this._place = "";
    this._seen = 0;
    /** @type {Map<number, number>} */
    this._bars = new Map();
    this._path = "";
  }

  /**
   * @param {Level[]} levels
   * @param {Axis} axis
   * @param {number} middle
   * @param {number} tall
   * @returns {string} the path
   */
  path(levels, axis, middle, tall) {
    const place = [axis.start, axis.left, axis.scale, middle].join();
    if (place !== this._place) {
      this._place = place;
      this._seen = 0;
      this._bars.clear();
    } else if (this._seen === levels.length) return this._path;
    for (const { at, level } of levels.slice(this._seen)) {
      if (level < QUIET || !axis.shows(at)) continue;
      const bar = Math.floor(axis.x(at) / BAR);
      this._bars.set(bar, Math.max(level, this._bars.get(bar) ?? 0));
    }
    this._seen = levels.length;
    this._path = "";
    for (const [bar, level] of this._bars) {
      const height = Math.round(Math.max(3, tall * Math.min(1, Math.sqrt(level / LOUD))) * 2) / 2;
      this._path += `M${bar * BAR + BAR / 2} ${middle - height / 2}v${height}`;
    }
    return this._path;
  }
}

/** A picture. */
export class Picture {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("class", "picture");
    this.svg.setAttribute("role", "img");
    place.append(this.svg);
    this._ink = new Ink(this.svg);
    this._bars = { own: new Bars(), agent: new Bars() };
    this._width = 0;
    this._box = "";
    this._scale = 1;
    /** @type {Turn | null} */
    this._turn = null;
    this._now = 0;
    new ResizeObserver(([entry]) => this._resize(entry)).observe(place);
  }

  /** @param {ResizeObserverEntry | undefined} entry */
  _resize(entry) {
    // Drawn in pixels of 16 to the letter, and scaled with the text of the page.
    this._scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const width = Math.floor((entry?.contentRect.width ?? 0) / this._scale);
    if (!width || width === this._width) return;
    this._width = width;
    if (this._turn) this.draw(this._turn, this._now);
  }

  /**
   * Draw a turn as it is at a moment.
   *
   * @param {Turn} turn
   * @param {number} now
   */
  draw(turn, now) {
    this._turn = turn;
    this._now = now;
    if (!this._width) return;
    const end = turn.closed ? turn.end : now;
    const sheet = new Sheet(this._ink, this._bars, turn, this._width, end);
    this._ink.begin();
    sheet.draw();
    this._ink.end();
    const box = `0 0 ${this._width} ${sheet.height}`;
    if (box !== this._box) {
      this._box = box;
      this.svg.setAttribute("viewBox", box);
      this.svg.setAttribute("height", String(Math.round(sheet.height * this._scale)));
    }
  }

  /** Give it its text. @param {Turn} turn */
  describe(turn) {
    this.svg.setAttribute("aria-label", described(turn));
  }
}

/** One drawing. */
class Sheet {
  /**
   * @param {Ink} ink
   * @param {{own: Bars, agent: Bars}} bars
   * @param {Turn} turn
   * @param {number} width
   * @param {number} end
   */
  constructor(ink, bars, turn, width, end) {
    this.ink = ink;
    this.bars = bars;
    this.turn = turn;
    this.width = width;
    this.end = end;
    this.isWide = width >= WIDE;
    this.left = this.isWide ? NAMES : 0;
    this.row = this.isWide ? 30 : 44;
    this.last = turn.lastSound;
    // Speech is drawn a little late: a frame is heard, sent and only then drawn.
    this.speaks = !turn.closed && end - this.last < 0.2;
    const until = Math.max(end, ...this._others().map((each) => each.until)) + 0.3;
    this.axis = new Axis(turn.started, turn.started + span(until - turn.started), this.left, width - 6);
    const rows = 6;
    this.bottom = TOP + rows * this.row;
    this.height = this.bottom + 8 + this._otherRows().length * this.otherRow + (turn.others ? 18 : 0);
  }

  get otherRow() {
    return this.isWide ? 22 : 36;
  }

  draw() {
    this._predictionBox();
    this._grid();
    this._bars("own", 0, "you", this.turn.own, "speech");
    this._vad(1);
    this._detector(2);
    this._delay(3);
    this._agent(4);
    this._wait(5);
    this._others().forEach((other, index) => this._other(other, index));
    if (!this.turn.closed) this._line("now", this.axis.x(this.end), TOP, this.bottom, "now");
  }

  _grid() {
    const zero = this.speaks ? this.turn.started : this.last;
    for (const { at, label } of this.axis.ticks(zero)) {
      const x = this.axis.x(at);
      this._line(`grid ${label}`, x, TOP - 6, this.height - 6, label === "0" ? "zero" : "grid");
      const isFirst = x < this.left + 6 && !this.isWide;
      const anchor = x > this.width - 24 ? "end" : isFirst ? "start" : "middle";
      this._text(`tick ${label}`, x, 14, label, "muted small", anchor);
    }
    if (this.isWide) this._text("axis", 0, 14, this.speaks ? "seconds" : "s after you stop", "muted small");
  }

  /** What the settings predict, from the caller's last sound on. */
  _predictionBox() {
    if (this.speaks || this.turn.parts.length === 0) return;
    const [shortest, longest] = this.turn.under.wait.seconds;
    const from = this.axis.x(this.last + shortest);
    const to = longest === null ? this.axis.right : this.axis.x(this.last + longest);
    const y = TOP + 3 * this.row + 2;
    const height = 2 * this.row - 4;
    this._rect("range", from, y, Math.max(2, to - from), height, "range");
    const { seconds: wanted } = this.turn.predicted;
    if (wanted !== null) this._line("predicted", this.axis.x(this.last + wanted), TOP + 3 * this.row, this.bottom, "moment");
  }

  /**
   * @param {"own" | "agent"} key
   * @param {number} row
   * @param {string} name
   * @param {Level[]} levels
   * @param {string} ink
   */
  _bars(key, row, name, levels, ink) {
    this._name(key, row, name, ink);
    const middle = this._middle(row);
    const tall = Math.min(24, this.row - 8);
    const path = this.bars[key].path(levels, this.axis, middle, tall);
    this.ink.put(`${key} bars`, "path", { d: path, class: `bars ${ink}` });
  }

  /** @param {number} row */
  _vad(row) {
    this._name("vad", row, "agent hears", "muted");
    const { vad, under } = this.turn;
    const middle = this._middle(row);
    if (vad.length === 0) {
      if (!this.speaks) this._unknown("vad", row, "nothing published");
      return;
    }
    vad.forEach((heard, index) => {
      const from = this.axis.x(heard.start);
      const to = this.axis.x(Math.min(heard.end, this.end));
      this._rect(`vad ${index}`, from, middle - 5, Math.max(2, to - from), 10, "heard");
    });
    const end = vad.at(-1)?.end ?? Infinity;
    if (end === Infinity) return;
    const silence = under.values["vad.min_silence_duration"];
    const label = typeof silence === "number" ? `silence for ${number(silence)} s` : "silence";
    if (this._fits(this.axis.x(end), label)) this._beside("vad end", this.axis.x(end), middle + 4, label, "muted small");
  }

  /** @param {number} row */
  _detector(row) {
    this._name("detector", row, "turn detector", "muted");
    const { predictions, under } = this.turn;
    const middle = this._middle(row);
    if (predictions.length === 0) {
      if (under.values["turn_handling.turn_detection"] !== "turn_detector") {
        this._unknown("detector", row, "not in use");
      } else if (!this.speaks) this._unknown("detector", row, "no probability published");
      return;
    }
    predictions.forEach((each, index) => {
      const x = this.axis.x(each.at);
      this._rect(`detector ${index}`, x - 2, middle - 9, 4, 18, finished(each) ? "answer" : "holds");
      if (index < predictions.length - 1) return;
      const text = finished(each) ? "finished" : "unfinished";
      const sign = finished(each) ? "\u2265" : "<";
      const label = `${each.probability.toFixed(2)} ${sign} ${each.threshold.toFixed(2)}:${this.isWide ? " sounds" : ""} ${text}`;
      this._label("detector text", row, "turn detector", x, label, "text small");
    });
  }

  /** @param {number} row */
  _delay(row) {
    this._name("delay", row, "delay", "muted");
    if (this.speaks || this.turn.parts.length === 0) return;
    const delay = running(this.turn.under.values, this.turn.prediction);
    if (!delay) {
      const isStopped = this.turn.decided !== null || this.turn.answer !== null;
      if (isStopped || this.turn.predictions.length === 0) this._unknown("delay", row, "unknown");
      return;
    }
    const from = this.axis.x(this.last);
    const whole = this.axis.x(this.last + delay.seconds);
    const stopped = this.turn.decided ?? this.turn.answer ?? this.end;
    const done = Math.min(whole, this.axis.x(stopped));
    const middle = this._middle(row);
    this._rect("delay whole", from, middle - 5, Math.max(1, whole - from), 10, "quiet");
    this._rect("delay done", from, middle - 5, Math.max(1, done - from), 10, "answer");
    this._label("delay text", row, "delay", whole, `${delay.name} ${number(delay.seconds)} s`, "text small");
  }

  /** @param {number} row */
  _agent(row) {
    const { turn } = this;
    this._bars("agent", row, "agent", turn.agent, "answer");
    const middle = this._middle(row);
    if (turn.decided !== null) {
      const from = this.axis.x(turn.decided);
      const to = this.axis.x(turn.answer ?? this.end);
      this._rect("decided", from - 2, middle - 12, 4, 24, "answer");
      this.ink.put("thinks", "path", { d: `M${from} ${middle}H${Math.max(from, to)}`, class: "dotted" });
    }
  }

  /** From the caller's last sound to the answer. @param {number} row */
  _wait(row) {
    const { turn } = this;
    const ink = turn.cutIn ? "cut" : "answer";
    this._name("wait", row, "you wait", turn.heard === null ? "muted" : ink);
    if (this.speaks || turn.parts.length === 0 || (turn.answer ?? this.end) < this.last) return;
    const from = this.axis.x(this.last);
    const to = this.axis.x(turn.answer ?? this.end);
    const y = this._middle(row);
    const isOver = turn.answer !== null;
    const path = `M${from} ${y - 5}v10M${from} ${y}H${to}${isOver ? `M${to} ${y - 5}v10` : ""}`;
    this.ink.put("wait line", "path", { d: path, class: `measure ${ink}` });
    const waited = turn.heard ?? this.end - this.last;
    const label = turn.cutIn ? `${seconds(waited)}, too early` : seconds(waited);
    this._label("wait text", row, "you wait", to, label, `${ink} strong`);
  }

  /** @returns {Outcome[]} */
  _otherRows() {
    return this.turn.others ?? [];
  }

  /** The other profiles, and how far right each goes. */
  _others() {
    const offset = this.turn.othersOffset;
    const last = this.turn.parts.at(-1)?.end ?? this.turn.started;
    return this._otherRows().map((each) => {
      const at = each.cut_at !== null ? offset + each.cut_at : each.wait !== null ? last + each.wait : null;
      return { each, at, last, until: at ?? 0 };
    });
  }

  /** @param {{each: Outcome, at: number | null, last: number}} other @param {number} index */
  _other({ each, at, last }, index) {
    if (index === 0) this._text("others", 0, this.bottom + 18, "What each profile would have done", "muted small");
    const y = this.bottom + 24 + index * this.otherRow;
    const middle = this.isWide ? y + 12 : y + 26;
    const key = `other ${index}`;
    this._text(`${key} name`, 0, this.isWide ? middle + 4 : y + 12, this._short(each.profile), "text small");
    if (at === null) {
      this._text(`${key} unknown`, this.left, middle + 4, this._cut(each.unknown ?? "would not have answered"), "muted small");
      return;
    }
    const isCut = each.cut_at !== null;
    const from = this.axis.x(isCut ? Math.min(at, this._pauseBefore(at)) : last);
    const x = this.axis.x(at);
    this.ink.put(`${key} line`, "path", { d: `M${from} ${middle}H${x}`, class: "dotted" });
    this._rect(`${key} mark`, x - 2, middle - 8, 4, 16, isCut ? "cut" : "answer");
    const label = isCut ? "would cut in" : seconds(each.wait ?? 0);
    this._beside(`${key} text`, x, middle + 4, label, isCut ? "cut small strong" : "answer small strong");
  }

  /** @param {string} name */
  _short(name) {
    return this.isWide ? shortened(name, NAME_LETTERS) : name;
  }

  /** As much of a text as fits beside the names. @param {string} text */
  _cut(text) {
    return shortened(text, Math.floor((this.width - this.left) / LETTER));
  }

  /** The caller's last sound before a moment. @param {number} at */
  _pauseBefore(at) {
    return this.turn.parts.filter((part) => part.end <= at).at(-1)?.end ?? at;
  }

  /** @param {number} row */
  _middle(row) {
    return TOP + row * this.row + (this.isWide ? this.row / 2 : 30);
  }

  /** @param {string} key @param {number} row @param {string} name @param {string} ink */
  _name(key, row, name, ink) {
    const y = this.isWide ? this._middle(row) + 4 : TOP + row * this.row + 12;
    this._text(`${key} name`, 0, y, name, `${ink} small`);
  }

  /** @param {string} key @param {number} row @param {string} why */
  _unknown(key, row, why) {
    const x = this.axis.x(this.last) + 8;
    this._beside(`${key} unknown`, x - 6, this._middle(row) + 4, why, "muted small");
  }

  /**
   * What a row says: at its mark, or beside its name where the names stand above the rows.
   *
   * @param {string} key
   * @param {number} row
   * @param {string} name
   * @param {number} x
   * @param {string} text
   * @param {string} ink
   */
  _label(key, row, name, x, text, ink) {
    if (this.isWide) this._beside(key, x, this._middle(row) + 4, text, ink);
    else this._text(key, (name.length + 1) * LETTER, TOP + row * this.row + 12, text, ink);
  }

  /** Whether a text fits right of a mark. @param {number} x @param {string} text */
  _fits(x, text) {
    return x + text.length * LETTER + 12 < this.width;
  }

  /** A text right of a mark, or left of it where there is no room. @param {string} key @param {number} x @param {number} y @param {string} text @param {string} ink */
  _beside(key, x, y, text, ink) {
    const start = this._fits(x, text) ? x + 6 : Math.max(this.left, x - 6 - text.length * LETTER);
    this._text(key, start, y, text, ink);
  }

  /** @param {string} key @param {number} x @param {number} y @param {string} text @param {string} ink @param {string} [anchor] */
  _text(key, x, y, text, ink, anchor = "start") {
    this.ink.put(key, "text", { x, y, class: ink, "text-anchor": anchor }, text);
  }

  /** @param {string} key @param {number} x @param {number} y @param {number} width @param {number} height @param {string} ink */
  _rect(key, x, y, width, height, ink) {
    this.ink.put(key, "rect", { x, y, width: Math.round(width * 10) / 10, height, rx: 2, class: ink });
  }

  /** @param {string} key @param {number} x @param {number} from @param {number} to @param {string} ink */
  _line(key, x, from, to, ink) {
    this.ink.put(key, "path", { d: `M${x} ${from}V${to}`, class: `line ${ink}` });
  }
}

/** @param {string} text @param {number} most letters */
function shortened(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}\u2026` : text;
}

/** The picture in a sentence. @param {Turn} turn */
export function described(turn) {
  const others = (turn.others ?? []).map((each) => `${each.profile}: ${outcome(each)}`);
  return [`Turn ${turn.number}: ${turn.verdict}`, ...others].join("; ");
}

/** @param {Outcome} each */
export function outcome(each) {
  if (each.cut_at !== null) return "would cut in";
  if (each.wait !== null) return `would answer after ${seconds(each.wait)}`;
  return each.unknown ? `unknown, ${each.unknown}` : "would not answer";
}
