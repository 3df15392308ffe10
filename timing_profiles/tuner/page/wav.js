// Samples -> a WAV file.
// @ts-check

const HEADER = 44;

/**
 * Encode mono samples as 16-bit PCM.
 *
 * @param {Float32Array} samples -1 to 1
 * @param {number} rate Hz
 * @returns {ArrayBuffer}
 */
export function encode(samples, rate) {
  const buffer = new ArrayBuffer(HEADER + samples.length * 2);
  const view = new DataView(buffer);
  text(view, 0, "RIFF");
  view.setUint32(4, buffer.byteLength - 8, true);
  text(view, 8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(view, 36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, index) => {
    const value = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
    view.setInt16(HEADER + index * 2, value, true);
  });
  return buffer;
}

/** @param {DataView} view @param {number} at @param {string} letters */
function text(view, at, letters) {
  [...letters].forEach((letter, index) => view.setUint8(at + index, letter.charCodeAt(0)));
}
