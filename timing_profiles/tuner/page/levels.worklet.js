// In the audio thread: the loudness of each frame, and the samples; nothing while it is silent.

const FRAME = 0.01; // seconds
const BATCH = 2; // frames in one message
const GATE = 50 / 32768; // root mean square below which nothing is to be told
const HANGOVER = 3; // seconds that are told after the last sound
const BEFORE = 0.5; // seconds that are kept for when a sound begins

class Levels extends AudioWorkletProcessor {
  /** @param {AudioWorkletNodeOptions} [options] */
  constructor(options) {
    super();
    this.samples = options?.processorOptions?.samples ?? false;
    this.size = Math.round(sampleRate * FRAME);
    this.frame = new Float32Array(this.size);
    this.filled = 0;
    this.at = 0;
    /** @type {{at: number, level: number, samples: Float32Array | null}[]} */
    this.waiting = [];
    this.open = 0; // frames that are still to be told
    this.running = true;
    this.port.onmessage = () => {
      this.running = false;
    };
  }

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    const input = inputs[0]?.[0];
    for (let index = 0; index < 128; index += 1) {
      if (this.filled === 0) this.at = currentTime + index / sampleRate;
      this.frame[this.filled] = input ? input[index] : 0;
      this.filled += 1;
      if (this.filled === this.size) this.end();
    }
    return this.running;
  }

  end() {
    let sum = 0;
    for (const sample of this.frame) sum += sample * sample;
    const level = Math.sqrt(sum / this.size);
    const samples = this.samples ? this.frame.slice() : null;
    this.waiting.push({ at: this.at, level, samples });
    this.filled = 0;
    if (level > GATE) this.open = HANGOVER / FRAME;
    if (this.open > 0) {
      this.open -= 1;
      if (this.waiting.length >= BATCH) this.tell();
    } else if (this.waiting.length > BEFORE / FRAME) {
      this.waiting.shift();
    }
  }

  tell() {
    const frames = this.waiting;
    this.waiting = [];
    const now = currentTime + 128 / sampleRate;
    this.port.postMessage({ now, seconds: FRAME, frames });
  }
}

registerProcessor("levels", Levels);
