// Dotted fields and their values.
// @ts-check

/** @import { Field, Nested, Profile, Value, Values } from "./contract" */

/**
 * The nested form that metadata has.
 *
 * @param {Values} dotted
 * @returns {Nested}
 */
export function nested(dotted) {
  /** @type {Nested} */
  const root = {};
  for (const [path, value] of Object.entries(dotted)) {
    const keys = path.split(".");
    const last = /** @type {string} */ (keys.pop());
    let section = root;
    for (const key of keys) {
      section[key] ??= {};
      section = /** @type {Nested} */ (section[key]);
    }
    section[last] = value;
  }
  return root;
}

/** Whether two values are equal; 1 and 1.0 are. @param {Value} a @param {Value} b */
export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * What of `overrides` differs from a profile.
 *
 * @param {Values} overrides
 * @param {Values} values
 * @returns {Values}
 */
export function differing(overrides, values) {
  const entries = Object.entries(overrides);
  return Object.fromEntries(entries.filter(([path, value]) => !same(value, values[path] ?? null)));
}

/** A value with its unit, as people read it. @param {Value} value @param {string | null} unit */
export function show(value, unit) {
  if (value === null) return "off";
  if (value === true) return "on";
  if (value === false) return "off";
  if (typeof value === "number") return unit && !RATIOS.has(unit) ? `${value} ${unit}` : `${value}`;
  return typeof value === "string" ? value : JSON.stringify(value);
}

const RATIOS = new Set(["factor", "probability"]);

/**
 * The end of a slider: what people use, not all that the schema allows; a number beyond it may be
 * typed.
 *
 * @param {Field} field
 * @param {Profile[]} profiles
 * @param {Value} value the one in force
 */
export function sliderEnd(field, profiles, value) {
  const maximum = field.maximum ?? 1;
  const used = profiles.map((each) => each.values[field.path]).filter(isNumber);
  const largest = Math.max(0, ...used) * 2;
  const end = largest > 0 ? NICE.map((each) => each * magnitude(largest)).find((each) => each >= largest) : maximum;
  return Math.min(maximum, Math.max(end ?? maximum, isNumber(value) ? value : 0));
}

/**
 * A number for a field that has none, such as one that is off: that of another profile, or a middle one.
 *
 * @param {Field} field
 * @param {Profile[]} profiles
 */
export function usual(field, profiles) {
  const used = profiles.map((each) => each.values[field.path]).find(isNumber);
  if (used !== undefined) return used;
  const [low, high, step] = [field.minimum ?? 0, field.maximum ?? 1, field.step ?? 0.01];
  return Number((low + Math.round((high - low) / 2 / step) * step).toFixed(6));
}

const NICE = [1, 1.5, 2, 3, 4, 5, 6, 8, 10];

/** @param {number} value */
function magnitude(value) {
  return 10 ** Math.floor(Math.log10(value));
}

/** @param {unknown} value @returns {value is number} */
export function isNumber(value) {
  return typeof value === "number";
}

/** Fields by section, in the order of the schema. @param {Field[]} fields @returns {[string, Field[]][]} */
export function sections(fields) {
  /** @type {Map<string, Field[]>} */
  const found = new Map();
  for (const field of fields) {
    const section = field.path.slice(0, field.path.lastIndexOf("."));
    const members = found.get(section) ?? [];
    members.push(field);
    found.set(section, members);
  }
  return [...found];
}

/** The fields with which people begin: those that move the wait, and what stops the agent. */
export const FIRST = [
  "turn_handling.endpointing.min_delay",
  "turn_handling.endpointing.max_delay",
  "turn_detector.unlikely_threshold",
  "stt.flux.eot_threshold",
  "stt.flux.eot_timeout_ms",
  "vad.min_silence_duration",
  "stt.nova.endpointing_ms",
  "turn_handling.interruption.min_duration",
  "tts.speed",
];
