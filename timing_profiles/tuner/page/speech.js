// Loudness -> stretches of sound.
// @ts-check

/** @import { Span } from "./contract" */

// Root mean square of full scale, -44 dB: above what Opus leaves in silence, below quiet speech.
export const AUDIBLE = 200 / 32768;

// A frame counts if it is this much louder than the room...
const ABOVE_NOISE = 3;
// ...whose noise is the quietest frame of the last three seconds, in parts of half a second.
const PART = 0.5;
const PARTS = 6;

// Frames in a row, so that a click is no speech.
const LEAST_FRAMES = 3;

/** Stretches of sound, parted by `gap` seconds or more of silence. */
export class Sounds {
  /** @param {number} gap seconds of silence that part two stretches */
  constructor(gap) {
    this.gap = gap;
    /** @type {Span[]} */
    this.spans = [];
    this.threshold = AUDIBLE;
    this._run = 0;
    this._start = 0;
    /** @type {{until: number, least: number}[]} */
    this._noise = [];
  }

  /**
   * Take the loudness of the next frame.
   *
   * @param {number} at when it begins, in seconds
   * @param {number} seconds its length
   * @param {number} level root mean square, 1 = full scale
   * @returns {"began" | "goes-on" | "silent"} of the stretch
   */
  add(at, seconds, level) {
    this._hearNoise(at, level);
    if (level <= this.threshold) {
      this._run = 0;
      return "silent";
    }
    const last = this.spans.at(-1);
    if (last && at - last.end < this.gap) {
      last.end = at + seconds;
      return "goes-on";
    }
    if (this._run === 0) this._start = at;
    this._run += 1;
    if (this._run < LEAST_FRAMES) return "silent";
    this.spans.push({ start: this._start, end: at + seconds });
    return "began";
  }

  /** Seconds of silence up to `now`; infinite before the first sound. @param {number} now */
  silence(now) {
    const last = this.spans.at(-1);
    return last ? Math.max(0, now - last.end) : Infinity;
  }

  /** @param {number} at @param {number} level */
  _hearNoise(at, level) {
    const part = this._noise.at(-1);
    if (!part || at >= part.until) {
      this._noise.push({ until: at + PART, least: level });
      if (this._noise.length > PARTS) this._noise.shift();
    } else {
      part.least = Math.min(part.least, level);
    }
    // Until half a second was heard, a caller who speaks at once would be taken for the noise.
    if (this._noise.length < 2) return;
    const noise = Math.min(...this._noise.map((each) => each.least));
    this.threshold = Math.max(AUDIBLE, ABOVE_NOISE * noise);
  }
}
