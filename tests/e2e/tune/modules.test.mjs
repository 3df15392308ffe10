// The page's modules that need no browser.
//
//   PAGE=folder node --test modules.test.mjs

import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const load = (name) => import(pathToFileURL(`${process.env.PAGE}/${name}.js`));
const { Sounds } = await load("speech");
const { doubt, predicted, running, waitText, difference } = await load("wait");
const { Axis } = await load("axis");
const { read, summary } = await load("diff");
const { nested, differing, sliderEnd } = await load("values");
const { Turn, VAD_LAG } = await load("turn");
const { Tape } = await load("tape");
const { encode } = await load("wav");

const WAIT = { seconds: [1.59, 4.09], formula: "", unknown: ["deepgram"] };
const VALUES = {
  "turn_handling.turn_detection": "turn_detector",
  "turn_handling.endpointing.mode": "fixed",
  "turn_handling.endpointing.min_delay": 1.5,
  "turn_handling.endpointing.max_delay": 4,
};
const finished = { at: 0, probability: 0.9, threshold: 0.36 };
const unfinished = { at: 0, probability: 0.1, threshold: 0.36 };

test("the shortest wait is predicted for a finished sentence, the longest for another", () => {
  assert.equal(predicted(WAIT, VALUES, finished).seconds, 1.59);
  assert.equal(predicted(WAIT, VALUES, unfinished).seconds, 4.09);
  assert.deepEqual(running(VALUES, unfinished), { name: "max_delay", seconds: 4 });
  assert.deepEqual(running(VALUES, finished), { name: "min_delay", seconds: 1.5 });
});

test("a turn that is decided otherwise when computed again is called uncertain", () => {
  const again = (probability) => ({ profile: "patient", probability, threshold: 0.36 });
  assert.equal(
    doubt(again(0.314), finished),
    "Uncertain: the turn detector's probability was 0.90 in the call, 0.31 when computed again," +
      " on the other side of the threshold.",
  );
  assert.equal(doubt(again(0.4), finished), "");
  assert.equal(doubt(again(0.3), unfinished), "");
  assert.equal(doubt(again(null), finished), "");
  assert.equal(doubt(again(0.3), null), "");
  assert.equal(doubt(undefined, finished), "");
});

test("what is unknown is not predicted", () => {
  assert.equal(predicted(WAIT, VALUES, null).seconds, null);
  const learned = { ...VALUES, "turn_handling.endpointing.mode": "dynamic" };
  assert.equal(predicted(WAIT, learned, finished).seconds, null);
  const manual = { ...VALUES, "turn_handling.turn_detection": "manual" };
  assert.equal(predicted(WAIT, manual, finished).seconds, null);
  assert.equal(predicted({ ...WAIT, seconds: [0, 0] }, VALUES, null).seconds, 0);
  assert.equal(running(VALUES, null), null);
});

test("a wait and a difference are written as the commands write them", () => {
  assert.equal(waitText(WAIT), "1.59 to 4.09 s");
  assert.equal(waitText({ ...WAIT, seconds: [1, null] }), "from 1 s");
  assert.equal(difference(-0.026), "\u22120.03 s");
});

function heard(levels, gap = 0.2) {
  const sounds = new Sounds(gap);
  levels.forEach((level, index) => sounds.add(index / 100, 0.01, level));
  return sounds.spans.map(({ start, end }) => [start, end].map((at) => Math.round(at * 100) / 100));
}
const repeat = (level, count) => Array(count).fill(level);

test("pauses part stretches of speech, clicks are none", () => {
  const levels = [...repeat(0, 100), ...repeat(0.1, 50), ...repeat(0, 30), ...repeat(0.1, 20)];
  assert.deepEqual(heard(levels), [[1, 1.5], [1.8, 2]]);
  assert.deepEqual(heard([...repeat(0, 100), 0.5, 0.5, ...repeat(0, 50)]), []);
});

test("the noise of a room is no speech", () => {
  const levels = [...repeat(0.01, 200), ...repeat(0.1, 50), ...repeat(0.01, 50)];
  assert.deepEqual(heard(levels).filter(([start]) => start > 1.4), [[2, 2.5]]);
});

test("labels of the axis are far enough apart and count from its zero", () => {
  const axis = new Axis(10, 20, 0, 440);
  assert.deepEqual(axis.ticks(12).map(({ label }) => label), ["-2", "-1", "0", "1", "2", "3", "4", "5", "6", "7", "8"]);
  assert.equal(axis.x(15), 220);
  assert.equal(axis.x(99), 440);
});

test("a unified diff is read without its head", () => {
  const lines = read("--- a\n+++ b\n@@ -1,2 +1,2 @@\n x: 1\n-y: 2\n+y: 3\n");
  assert.deepEqual(lines.map(({ kind }) => kind), ["same", "removed", "added"]);
  assert.equal(summary(lines), "1 line added, 1 removed");
});

test("overrides are nested, and only what differs is kept", () => {
  assert.deepEqual(nested({ "a.b": 1, "a.c.d": null }), { a: { b: 1, c: { d: null } } });
  assert.deepEqual(differing({ a: 1, b: 2 }, { a: 1, b: 3 }), { b: 2 });
});

test("a slider ends beyond what the profiles use, and within the schema's bounds", () => {
  const field = { path: "x", maximum: 10 };
  assert.equal(sliderEnd(field, [{ values: { x: 1.5 } }], 1), 3);
  assert.equal(sliderEnd(field, [{ values: { x: 9 } }], 1), 10);
  assert.equal(sliderEnd(field, [{ values: { x: 1.5 } }], 7), 7);
});

function turn() {
  const made = new Turn(1, 0, { profile: "patient", tuned: false, wait: WAIT, values: VALUES });
  made.parts.push({ start: 0, end: 2 }, { start: 3, end: 4 });
  made.predictions.push({ ...unfinished, at: 2.5 }, { ...finished, at: 4.4 });
  return made;
}

test("a turn is measured from the last sound to the decision and to the answer", () => {
  const answered = turn();
  answered.states.push({ at: 5.6, state: "thinking" });
  answered.sounds.push({ start: 6, end: 7 });
  assert.equal(answered.heard, 2);
  assert.equal(answered.verdict, "answered after 2.0 s");
  assert.ok(Math.abs(answered.decidedAfter - 1.6) < 1e-9);
  assert.ok(Math.abs(answered.difference - 0.01) < 1e-9);
});

test("the voice's way to the agent is no part of the difference", () => {
  const late = turn();
  late.vad.push({ start: 0.3, end: 2.3 }, { start: 3.3, end: 4 + VAD_LAG + 0.3 });
  late.states.push({ at: 5.9, state: "thinking" });
  late.sounds.push({ start: 6, end: 7 });
  assert.ok(Math.abs(late.onTheWay - 0.3) < 1e-9);
  assert.ok(Math.abs(late.decidedAfter - 1.9) < 1e-9);
  assert.ok(Math.abs(late.difference - 0.01) < 1e-9);
  assert.equal(turn().onTheWay, null);
});

test("an agent that speaks into a pause has cut in", () => {
  const cut = turn();
  cut.sounds.push({ start: 2.8, end: 4 });
  assert.equal(cut.cutIn, true);
  assert.ok(Math.abs(cut.heard - 0.8) < 1e-9);
});

test("the tape fills silence in a turn, and forgets what is old before one", () => {
  const tape = new Tape();
  const frame = () => new Float32Array(160);
  for (let index = 0; index < 100; index += 1) tape.add(index / 100, 0.01, frame(), false);
  assert.ok(Math.abs(tape.since - 0.4) < 1e-6);
  tape.add(1.5, 0.01, frame(), true);
  assert.equal(tape.take().length, 111);
});

test("a WAV file has its header and 16-bit samples", () => {
  const view = new DataView(encode(new Float32Array([0, 1, -2]), 16000));
  assert.equal(view.byteLength, 50);
  assert.deepEqual([44, 46, 48].map((at) => view.getInt16(at, true)), [0, 32767, -32767]);
  assert.equal(view.getUint32(24, true), 16000);
});
