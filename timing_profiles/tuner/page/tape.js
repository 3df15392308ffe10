// The caller's sound of the turn that is being spoken, and a little before it.
// @ts-check

const BEFORE = 0.6; // seconds that are kept while no turn is spoken
const LONGEST = 60; // seconds of a turn
const LATE = 0.03; // seconds by which a frame may come after the one before it without a gap

/** Frames of samples, without gaps. */
export class Tape {
  constructor() {
    /** When the first sample was, in seconds. */
    this.since = 0;
    this._until = 0;
    /** @type {Float32Array[]} */
    this._frames = [];
  }

  /**
   * Keep a frame. The audio thread tells nothing while it is silent: during a turn silence fills
   * the gap, before one what is older is dropped.
   *
   * @param {number} at when it begins, in seconds
   * @param {number} seconds its length
   * @param {Float32Array} samples
   * @param {boolean} isTurn whether a turn is being spoken
   */
  add(at, seconds, samples, isTurn) {
    const isGap = this._frames.length > 0 && at - this._until > LATE;
    if (isGap && !isTurn) this._frames = [];
    if (this._frames.length === 0) this.since = at;
    if (isGap && isTurn) {
      const missing = Math.min(LONGEST / seconds, Math.round((at - this._until) / seconds));
      for (let count = 0; count < missing; count += 1) this._frames.push(new Float32Array(samples.length));
    }
    this._frames.push(samples);
    this._until = at + seconds;
    const most = Math.round((isTurn ? LONGEST : BEFORE) / seconds);
    const extra = Math.max(0, this._frames.length - most);
    this._frames.splice(0, extra);
    this.since += extra * seconds;
  }

  /** All frames; the tape is empty afterwards. */
  take() {
    return this._frames.splice(0);
  }
}
