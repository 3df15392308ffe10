// Seconds -> pixels.
// @ts-check

const STEPS = [0.5, 1, 2, 5, 10, 20, 30, 60];
const LEAST_PIXELS = 44; // between two labels

/** A time axis. */
export class Axis {
  /**
   * @param {number} start first second
   * @param {number} end last second
   * @param {number} left pixel of the first second
   * @param {number} right pixel of the last second
   */
  constructor(start, end, left, right) {
    this.start = start;
    this.end = end;
    this.left = left;
    this.right = right;
    this.scale = (right - left) / Math.max(0.001, end - start);
  }

  /** The pixel of a second, at the edge of the picture at most. @param {number} at */
  x(at) {
    const x = this.left + (at - this.start) * this.scale;
    return Math.round(Math.min(this.right, Math.max(this.left, x)) * 10) / 10;
  }

  /** Whether a second lies in the picture. @param {number} at */
  shows(at) {
    return at >= this.start && at <= this.end;
  }

  /**
   * The labelled seconds, counted from `zero`.
   *
   * @param {number} zero
   * @returns {{at: number, label: string}[]}
   */
  ticks(zero) {
    const step = STEPS.find((each) => each * this.scale >= LEAST_PIXELS) ?? 60;
    const first = Math.ceil((this.start - zero) / step);
    const last = Math.floor((this.end - zero) / step + 1e-9);
    const ticks = [];
    for (let index = first; index <= last; index += 1) {
      ticks.push({ at: zero + index * step, label: String(index * step) });
    }
    return ticks;
  }
}

/**
 * How many seconds a picture of a turn spans: it grows in steps, so that it does not creep.
 *
 * @param {number} seconds what it has to show
 */
export function span(seconds) {
  return [6, 8, 10, 15, 20, 30].find((each) => each >= seconds) ?? Math.ceil(seconds / 15) * 15;
}
