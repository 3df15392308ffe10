// The wait that the settings predict for one turn.
// @ts-check

/** @import { Outcome, Prediction, Values, Wait } from "./contract" */

const DETECTION = "turn_handling.turn_detection";
const MODE = "turn_handling.endpointing.mode";
const MIN_DELAY = "turn_handling.endpointing.min_delay";
const MAX_DELAY = "turn_handling.endpointing.max_delay";

/**
 * Predict when the agent decides to answer, in seconds after the caller's last sound.
 *
 * @param {Wait} wait of the settings in force
 * @param {Values} values the same settings
 * @param {Prediction | null} prediction the turn detector's last one in this turn
 * @returns {{seconds: number | null, why: string}} null where it is unknown; why in a few words
 */
export function predicted(wait, values, prediction) {
  const [shortest, longest] = wait.seconds;
  if (values[DETECTION] === "manual") return unknown("the application ends the turn");
  if (shortest === longest) return { seconds: shortest, why: "always the same" };
  if (values[DETECTION] !== "turn_detector") {
    const by = values[DETECTION] === "stt" ? "speech-to-text ends the turn" : "the delay is learned";
    return unknown(by);
  }
  if (!prediction) return unknown("the agent published no probability");
  if (!finished(prediction)) {
    if (longest === null) return unknown("nothing bounds it");
    return { seconds: longest, why: "sounded unfinished" };
  }
  if (values[MODE] === "dynamic") return unknown("mode dynamic has learned the delay");
  return { seconds: shortest, why: "sounded finished" };
}

/** @param {string} why @returns {{seconds: null, why: string}} */
function unknown(why) {
  return { seconds: null, why };
}

/** Whether the detector takes the sentence for finished. @param {Prediction} prediction */
export function finished(prediction) {
  return prediction.probability >= prediction.threshold;
}

/**
 * What has to be said of a turn that was computed again, if the detector decided otherwise in the call.
 *
 * @param {Outcome | undefined} again of the profile that the turn was spoken under
 * @param {Prediction | null} prediction the detector's in the call
 */
export function doubt(again, prediction) {
  if (!prediction || !again || again.probability === null || again.threshold === null) return "";
  const { probability, threshold } = again;
  if (finished({ ...prediction, probability, threshold }) === finished(prediction)) return "";
  const said = `${prediction.probability.toFixed(2)} in the call, ${probability.toFixed(2)} when computed again`;
  return `Uncertain: the turn detector's probability was ${said}, on the other side of the threshold.`;
}

/**
 * Which delay runs after the caller's last sound.
 *
 * @param {Values} values the settings in force
 * @param {Prediction | null} prediction the detector's for this silence
 * @returns {{name: string, seconds: number} | null} null while it is unknown
 */
export function running(values, prediction) {
  const low = values[MIN_DELAY];
  const high = values[MAX_DELAY];
  if (typeof low !== "number" || typeof high !== "number") return null;
  if (values[DETECTION] === "turn_detector" && prediction && !finished(prediction)) {
    return { name: "max_delay", seconds: high };
  }
  const known = values[DETECTION] !== "turn_detector" || prediction !== null;
  if (!known || values[MODE] === "dynamic" || values[DETECTION] === "manual") return null;
  return { name: "min_delay", seconds: low };
}

/** `0.39 to 0.89 s`, as the commands print it. @param {Wait} wait */
export function waitText(wait) {
  const [shortest, longest] = wait.seconds;
  if (longest === null) return `from ${number(shortest)} s`;
  if (shortest === longest) return `${number(shortest)} s`;
  return `${number(shortest)} to ${number(longest)} s`;
}

/** At most two decimals. @param {number} value */
export function number(value) {
  return String(Math.round(value * 100) / 100);
}

/** Two decimals and the unit. @param {number} value */
export function seconds(value) {
  return `${value.toFixed(2)} s`;
}

/** With its sign. @param {number} value */
export function difference(value) {
  const rounded = Math.round(value * 100) / 100;
  return `${rounded < 0 ? "\u2212" : "+"}${Math.abs(rounded).toFixed(2)} s`;
}
