// The list of profiles: what each is for, and its wait.
// @ts-check

import { h, set } from "./dom.js";
import { waitText } from "./wait.js";

/** @import { Profile, ProfileSet, Wait } from "./contract" */

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 7; // seconds that a bar spans
const GAP = 8; // pixels under the chosen one
const SIDE = 40; // pixels of the profile before the chosen one that stay in sight

/** The list. */
export class Profiles {
  /** @param {HTMLElement} place @param {(name: string) => void} chosen */
  constructor(place, chosen) {
    this._place = place;
    this._chosen = chosen;
    /** @type {HTMLInputElement | null} */
    this._shown = null;
    // In a window of another size the list may be a row, or a shorter column.
    const sizes = new ResizeObserver(() => this._bringIntoSight());
    for (const each of [place, /** @type {HTMLElement} */ (place.parentElement)]) sizes.observe(each);
  }

  /** @param {ProfileSet} set @param {string} name */
  show(set, name) {
    const focused = document.activeElement;
    const had = focused instanceof HTMLInputElement && focused.name === "profile";
    this._place.replaceChildren(...set.profiles.map((each) => this._card(each, each.name === name)));
    if (had) this._place.querySelector("input")?.focus();
    this.choose(name);
  }

  /** @param {string} name */
  choose(name) {
    for (const input of this._place.querySelectorAll("input")) {
      if (input.checked && input.value === name && this._shown === input) continue;
      input.checked = input.value === name;
      if (!input.checked) continue;
      this._shown = input;
      if (document.activeElement?.getAttribute("name") === "profile") input.focus();
      this._bringIntoSight();
    }
  }

  /** Scroll the list to the chosen one: a column or, on a narrow screen, a row; never the page. */
  _bringIntoSight() {
    const card = this._shown?.parentElement;
    if (!card) return;
    this._place.scrollLeft = card.offsetLeft - this._place.offsetLeft - SIDE;
    const pane = /** @type {HTMLElement} */ (this._place.parentElement);
    const under = card.offsetTop + card.offsetHeight + GAP - pane.clientHeight;
    pane.scrollTop = Math.max(under, Math.min(pane.scrollTop, card.offsetTop));
  }

  /** @param {Profile} profile @param {boolean} isChosen */
  _card(profile, isChosen) {
    const input = h("input", {
      type: "radio",
      name: "profile",
      value: profile.name,
      checked: isChosen,
      onchange: () => this._chosen(profile.name),
    });
    return h(
      "label",
      { class: "card" },
      input,
      h("span", { class: "name" }, profile.name),
      h("span", { class: "wait" }, waitText(profile.wait)),
      bar(profile.wait),
      h("span", { class: "about" }, profile.description),
    );
  }
}

/** The wait as a bar, as in docs/timeline.svg. @param {Wait} wait */
export function bar(wait) {
  const svg = document.createElementNS(SVG, "svg");
  set(svg, "class", "bar");
  set(svg, "viewBox", "0 0 100 8");
  set(svg, "preserveAspectRatio", "none");
  set(svg, "aria-hidden", "true");
  const [shortest, longest] = wait.seconds;
  const from = percent(shortest);
  const to = percent(longest ?? LONGEST);
  svg.append(rect(0, 3.25, from, 1.5, "holds"), rect(from, 0.5, Math.max(0, to - from), 7, "range"));
  svg.append(rect(from, 0, 1.2, 8, "answer"));
  if (longest !== null) svg.append(rect(Math.max(from, to - 1.2), 0, 1.2, 8, "answer"));
  return svg;
}

/** @param {number} seconds */
function percent(seconds) {
  return (Math.min(LONGEST, seconds) / LONGEST) * 98.8;
}

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} ink */
function rect(x, y, width, height, ink) {
  const element = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ x, y, width, height, class: ink })) set(element, name, value);
  return element;
}
