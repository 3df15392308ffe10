// The microphone, recorded sentences and the agent's sound, and how loud each is when.
// @ts-check

/** @import { Level } from "./contract" */

/** What the audio thread sends. @typedef {{now: number, seconds: number, frames: {at: number, level: number, samples: Float32Array | null}[]}} Told */

/** @typedef {"own" | "agent"} Side */

/** Seconds of the page's clock. */
export function now() {
  return performance.now() / 1000;
}

/** The page's clock of a moment in seconds since 1970. @param {number} at */
export function fromEpoch(at) {
  return at - Date.now() / 1000 + now();
}

const CLOCK_MESSAGES = 100;

/** Everything that sounds. */
export class Sound {
  /**
   * @param {(side: Side, levels: Level[], samples: Float32Array[]) => void} heard
   */
  constructor(heard) {
    this._heard = heard;
    this.context = new AudioContext({ latencyHint: "interactive" });
    this._mix = this.context.createGain();
    this._toRoom = this.context.createMediaStreamDestination();
    this._mix.connect(this._toRoom);
    /** @type {AudioWorkletNode[]} */
    this._meters = [];
    /** @type {number[]} how late messages came, the latest ones */
    this._late = [];
    /** @type {MediaStream | null} */
    this._microphone = null;
    /** @type {AudioBufferSourceNode | null} */
    this._sentence = null;
    /** @type {Promise<void> | null} */
    this._closed = null;
    /** @type {(value: any) => void} */
    this._stopped = () => {};
    /** @type {HTMLAudioElement | null} */
    this._speaker = null;
  }

  /** The track that goes to the room. */
  get track() {
    return /** @type {MediaStreamTrack} */ (this._toRoom.stream.getAudioTracks()[0]);
  }

  /** Load the part that runs in the audio thread. */
  async open() {
    await this.context.audioWorklet.addModule("levels.worklet.js");
    await this.context.resume();
    this._meter("own", this._mix);
  }

  /**
   * Take the microphone.
   *
   * @throws {DOMException} refused, or there is none
   */
  async useMicrophone() {
    if (!navigator.mediaDevices) throw new DOMException("no microphone", "NotFoundError");
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    this._microphone = await navigator.mediaDevices.getUserMedia({ audio });
    if (this._closed) return;
    this.context.createMediaStreamSource(this._microphone).connect(this._mix);
  }

  /** Stop or go on listening to the microphone. @param {boolean} isOn */
  openMicrophone(isOn) {
    for (const track of this._microphone?.getAudioTracks() ?? []) track.enabled = isOn;
  }

  /** Tell when the microphone is taken away. @param {() => void} ended */
  onMicrophoneEnded(ended) {
    for (const track of this._microphone?.getAudioTracks() ?? []) track.onended = ended;
  }

  /**
   * Play a recorded sentence to the room and to the person; resolves at its end.
   *
   * @param {string} address
   */
  async play(address) {
    const answer = await fetch(address);
    const buffer = await this.context.decodeAudioData(await answer.arrayBuffer());
    this.stopSentence();
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this._mix);
    source.connect(this.context.destination);
    this._sentence = source;
    await new Promise((resolve) => {
      source.onended = resolve;
      this._stopped = resolve; // a closed context reports no end
      source.start();
    });
  }

  /** End a sentence early. */
  stopSentence() {
    this._sentence?.stop();
    this._sentence = null;
    this._stopped(null);
  }

  /** Listen to the agent's track, and let the person hear it. @param {MediaStreamTrack} track */
  hear(track) {
    const stream = new MediaStream([track]);
    // Chromium feeds a remote stream to Web Audio only while an element plays it.
    this._speaker = new Audio();
    this._speaker.srcObject = stream;
    void this._speaker.play();
    this._meter("agent", this.context.createMediaStreamSource(stream));
  }

  /** Let go of everything, also of what came after the first time. */
  async close() {
    this.stopSentence();
    for (const track of this._microphone?.getTracks() ?? []) track.stop();
    for (const meter of this._meters) meter.port.postMessage("end");
    if (this._speaker) this._speaker.srcObject = null;
    this._closed ??= this.context.close();
    await this._closed;
  }

  /** @param {Side} side @param {AudioNode} source */
  _meter(side, source) {
    const options = { numberOfOutputs: 0, channelCount: 1, processorOptions: { samples: side === "own" } };
    const meter = new AudioWorkletNode(this.context, "levels", options);
    meter.port.onmessage = (event) => this._tell(side, event.data);
    source.connect(meter);
    this._meters.push(meter);
  }

  /** @param {Side} side @param {Told} told */
  _tell(side, told) {
    const offset = this._offset(told.now);
    const levels = told.frames.map(({ at, level }) => ({ at: at + offset, seconds: told.seconds, level }));
    const samples = told.frames.map((frame) => frame.samples).filter((each) => each !== null);
    this._heard(side, levels, samples);
  }

  /**
   * Page's clock minus the audio thread's: the message that came with the least delay tells best.
   *
   * @param {number} sent
   */
  _offset(sent) {
    this._late.push(now() - sent);
    if (this._late.length > CLOCK_MESSAGES) this._late.shift();
    return Math.min(...this._late);
  }
}

/**
 * Samples at another rate.
 *
 * @param {Float32Array[]} frames
 * @param {number} rate of them, Hz
 * @param {number} wanted Hz
 * @returns {Promise<Float32Array>}
 */
export async function resampled(frames, rate, wanted) {
  const length = frames.reduce((sum, frame) => sum + frame.length, 0);
  const offline = new OfflineAudioContext(1, Math.ceil((length / rate) * wanted), wanted);
  const buffer = offline.createBuffer(1, length, rate);
  let at = 0;
  for (const frame of frames) {
    buffer.copyToChannel(/** @type {Float32Array<ArrayBuffer>} */ (frame), 0, at);
    at += frame.length;
  }
  const source = new AudioBufferSourceNode(offline, { buffer });
  source.connect(offline.destination);
  source.start();
  return (await offline.startRendering()).getChannelData(0);
}
