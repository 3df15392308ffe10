// The settings: one control for each field, with what callers notice.
// @ts-check

import { byId, h, set, show as reveal, write } from "./dom.js";
import { FIRST, isNumber, same, sections, show, sliderEnd, usual } from "./values.js";

/** @import { Field, Preview, Profile, ProfileSet, Value, Values } from "./contract" */

/** When a change is heard. @typedef {"now" | "next call" | "file only" | "no effect"} Heard */

/** A control on the page. @typedef {{field: Field, root: HTMLElement, badge: HTMLElement, why: HTMLElement, reset: HTMLButtonElement, put: (value: Value) => void, enable: (isOn: boolean) => void}} Dial */

/** All settings. */
export class Settings {
  /** @param {(path: string, value: Value) => void} changed */
  constructor(changed) {
    this._changed = changed;
    /** @type {Map<string, Dial>} */
    this._dials = new Map();
    /** @type {ProfileSet | null} */
    this._set = null;
  }

  /** Make the controls of a set. @param {ProfileSet} set */
  build(set) {
    this._set = set;
    const first = FIRST.map((path) => set.fields.find((field) => field.path === path));
    const chosen = first.filter((field) => field !== undefined);
    const rest = set.fields.filter((field) => !FIRST.includes(field.path));
    byId("first").replaceChildren(...chosen.map((field) => this._dial(field)));
    byId("rest").replaceChildren(...sections(rest).map(([name, fields]) => this._section(name, fields)));
  }

  /**
   * Show what is in force.
   *
   * @param {Profile} profile
   * @param {Values} overrides
   * @param {Preview | null} preview null before the first one
   * @param {boolean} isCalling
   */
  update(profile, overrides, preview, isCalling) {
    const allowed = new Set(preview?.allowed ?? profile.allowed);
    const dead = preview?.dead ?? profile.dead;
    const wrong = new Map((preview?.problems ?? []).map((each) => [each.path, each.message]));
    for (const [path, dial] of this._dials) {
      const base = profile.values[path] ?? null;
      const value = path in overrides ? /** @type {Value} */ (overrides[path]) : base;
      const heard = this._heard(dial.field, allowed.has(path), path in dead);
      dial.put(value);
      dial.enable(allowed.has(path));
      dial.root.classList.toggle("dead", heard === "no effect");
      dial.root.classList.toggle("moved", !same(value, base));
      write(dial.badge, badge(heard, isCalling));
      set(dial.badge, "data-heard", heard);
      const problem = wrong.get(path);
      dial.root.classList.toggle("wrong", problem !== undefined);
      write(dial.why, problem ? `Not sent: ${problem}` : why(heard, dead[path] ?? ""));
      reveal(dial.why, dial.why.textContent !== "");
      const before = `${profile.name}: ${show(base, dial.field.unit)}`;
      write(dial.reset, before);
      set(dial.reset, "aria-label", `${before}, undo ${dial.field.path}`);
      dial.reset.disabled = same(value, base);
    }
  }

  /** @param {Field} field @param {boolean} isAllowed @param {boolean} isDead @returns {Heard} */
  _heard(field, isAllowed, isDead) {
    if (isDead) return "no effect";
    if (!isAllowed) return "file only";
    return field.live ? "now" : "next call";
  }

  /** @param {string} name @param {Field[]} fields */
  _section(name, fields) {
    return h(
      "section",
      { class: "group" },
      h("h4", {}, h("code", {}, name)),
      ...fields.map((field) => this._dial(field)),
    );
  }

  /** @param {Field} field */
  _dial(field) {
    const id = `dial-${field.path.replaceAll(".", "-")}`;
    const control = this._control(field, id);
    const mark = h("span", { class: "badge" });
    const reason = h("p", { class: "why", id: `${id}-why` });
    const base = /** @type {Value} */ (null);
    const reset = h("button", { type: "button", class: "link", onclick: () => this._reset(field.path) });
    const root = h(
      "div",
      { class: "dial", "data-path": field.path },
      h(
        "div",
        { class: "line" },
        h("label", { for: id, title: field.path }, h("code", {}, field.path.split(".").at(-1) ?? "")),
        mark,
      ),
      h("div", { class: "control" }, ...control.parts),
      h("p", { class: "bounds" }, reset, bounds(field)),
      h("p", { class: "notice", id: `${id}-notice` }, about(field)),
      reason,
    );
    const dial = { field, root, badge: mark, why: reason, reset, put: control.put, enable: control.enable };
    this._dials.set(field.path, dial);
    control.put(base);
    return root;
  }

  /** @param {string} path */
  _reset(path) {
    this._changed(path, /** @type {any} */ (undefined));
    // The button that was pressed is disabled now; the keyboard goes on from the control.
    byId(`dial-${path.replaceAll(".", "-")}`).focus();
  }

  /**
   * @param {Field} field
   * @param {string} id
   * @returns {{parts: (Node | string)[], put: (value: Value) => void, enable: (isOn: boolean) => void}}
   */
  _control(field, id) {
    const changed = (/** @type {Value} */ value) => this._changed(field.path, value);
    const about = `${id}-notice ${id}-why`;
    if (field.type === "boolean") return toggle(id, about, changed);
    if (field.choices) return choice(field, id, about, changed);
    if (field.minimum !== null && field.maximum !== null) return this._slider(field, id, about, changed);
    return text(id, about, changed);
  }

  /**
   * A slider with a number to type beside it, and where the field has them the words off and auto.
   *
   * @param {Field} field
   * @param {string} id
   * @param {string} about
   * @param {(value: Value) => void} changed
   */
  _slider(field, id, about, changed) {
    const set_ = /** @type {ProfileSet} */ (this._set);
    const step = field.step ?? "any";
    const limits = { min: field.minimum, step };
    const name = field.path.split(".").at(-1);
    const range = h("input", { id, type: "range", ...limits, "aria-describedby": about });
    const exact = h("input", { type: "number", ...limits, max: field.maximum, "aria-label": `${name}, as a number` });
    const words = [field.nullable ? "off" : "", field.auto ? "auto" : ""].filter((word) => word !== "");
    const boxes = words.map((word) => ({ word, input: h("input", { type: "checkbox", "aria-label": `${name}: ${word}` }) }));
    let last = usual(field, set_.profiles);
    range.addEventListener("input", () => changed(Number(range.value)));
    // Also between two steps; out of bounds, the setting shows why it is not sent.
    exact.addEventListener("change", () => exact.value !== "" && changed(Number(exact.value)));
    for (const { word, input } of boxes) {
      const named = word === "off" ? null : word;
      input.addEventListener("change", () => changed(input.checked ? named : last));
    }
    const put = (/** @type {Value} */ value) => {
      const end = sliderEnd(field, set_.profiles, value);
      set(range, "max", end);
      if (isNumber(value)) {
        last = value;
        if (Number(range.value) !== value) range.value = String(value);
        if (document.activeElement !== exact) exact.value = String(value);
      } else {
        range.value = String(last);
        if (document.activeElement !== exact) exact.value = "";
      }
      range.classList.toggle("unset", !isNumber(value));
      set(range, "aria-valuetext", show(value, field.unit));
      for (const { word, input } of boxes) input.checked = value === (word === "off" ? null : word);
    };
    const unit = field.unit && field.unit !== "factor" && field.unit !== "probability" ? field.unit : "";
    const parts = [range, h("span", { class: "exact" }, exact, h("span", { class: "unit" }, unit))];
    const labels = boxes.map(({ word, input }) => h("label", { class: "word" }, input, word));
    return { parts: [...parts, ...labels], put, enable: enabler([range, exact, ...boxes.map((box) => box.input)]) };
  }
}

/** @param {string} id @param {string} about @param {(value: Value) => void} changed */
function toggle(id, about, changed) {
  const input = h("input", { id, type: "checkbox", "aria-describedby": about });
  input.addEventListener("change", () => changed(input.checked));
  const put = (/** @type {Value} */ value) => {
    input.checked = value === true;
  };
  return { parts: [h("span", { class: "word" }, input, "on")], put, enable: enabler([input]) };
}

/** @param {Field} field @param {string} id @param {string} about @param {(value: Value) => void} changed */
function choice(field, id, about, changed) {
  const options = (field.choices ?? []).map((each) => {
    const meaning = field.meanings[each];
    return h("option", { value: each, title: meaning }, each);
  });
  const select = h("select", { id, "aria-describedby": about }, ...options);
  select.addEventListener("change", () => changed(select.value));
  const put = (/** @type {Value} */ value) => {
    select.value = String(value);
  };
  return { parts: [select], put, enable: enabler([select]) };
}

/** JSON where it is JSON, else the text itself. @param {string} id @param {string} about @param {(value: Value) => void} changed */
function text(id, about, changed) {
  const input = h("input", { id, type: "text", spellcheck: "false", "aria-describedby": about });
  input.addEventListener("change", () => changed(parsed(input.value)));
  const put = (/** @type {Value} */ value) => {
    if (document.activeElement !== input) input.value = typeof value === "string" ? value : JSON.stringify(value);
  };
  return { parts: [input], put, enable: enabler([input]) };
}

/** @param {string} typed @returns {Value} */
function parsed(typed) {
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

/** @param {(HTMLInputElement | HTMLSelectElement)[]} inputs @returns {(isOn: boolean) => void} */
function enabler(inputs) {
  return (isOn) => {
    for (const input of inputs) input.disabled = !isOn;
  };
}

/** What a field is, and what callers notice of it. @param {Field} field */
function about(field) {
  const first = field.description.split(/(?<=\.)\s/)[0] ?? "";
  return field.notice && !field.notice.startsWith(first) ? `${first} ${field.notice}` : field.notice ?? field.description;
}

/** @param {Field} field */
function bounds(field) {
  if (field.minimum === null || field.maximum === null) return "";
  const unit = field.unit && field.unit !== "factor" && field.unit !== "probability" ? ` ${field.unit}` : "";
  return `allowed: ${field.minimum} to ${field.maximum}${unit}`;
}

/** @param {Heard} heard @param {boolean} isCalling */
function badge(heard, isCalling) {
  if (heard === "now") return isCalling ? "heard at once" : "";
  if (heard === "next call") return "next call";
  return heard === "file only" ? "in the file" : "no effect";
}

/** @param {Heard} heard @param {string} dead */
function why(heard, dead) {
  if (heard === "no effect") return dead;
  if (heard === "file only") return "No caller may change it (overrides.allow): edit it in the profile's file.";
  return "";
}
