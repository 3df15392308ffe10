// Elements, without a framework.
// @ts-check

/** @typedef {{[name: string]: string | number | boolean | null | undefined | ((event: any) => void)}} Properties */

/**
 * Make an element. `on...` is a listener; `true` an attribute without a value; `null`, `undefined`
 * and `false` leave the attribute out.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...(Node | string | null | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

/** @param {Element} element @param {string} name @param {string | number | boolean | null | undefined} value */
export function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * The element of the page with this id.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @returns {Kind}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return /** @type {Kind} */ (element);
}

/**
 * Show or hide; the keyboard goes on from the heir of what is hidden while it has the focus.
 *
 * @param {HTMLElement} element @param {boolean} isShown @param {HTMLElement} [heir]
 */
export function show(element, isShown, heir) {
  const isFocused = !isShown && element.contains(document.activeElement);
  element.hidden = !isShown;
  if (isFocused) heir?.focus();
}

/** Let a button be used or not. It keeps the focus, which `disabled` would take from it. @param {HTMLElement} button @param {boolean} isOn */
export function enable(button, isOn) {
  set(button, "aria-disabled", isOn ? null : "true");
}

/** Listen to a button, while it can be used. @param {HTMLElement} button @param {() => void} pressed */
export function onPress(button, pressed) {
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") pressed();
  });
}

/**
 * Show texts as a list; the same texts leave it as it is.
 *
 * @param {HTMLElement} place @param {string[]} texts @param {"li" | "option"} [tag]
 */
export function list(place, texts, tag = "li") {
  const shown = [...place.children].map((each) => each.textContent);
  if (shown.length === texts.length && shown.every((each, index) => each === texts[index])) return;
  place.replaceChildren(...texts.map((text) => h(tag, {}, text)));
}

/** Change a text only if it differs: a live region says it once. @param {Node} element @param {string} text */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keep what has the focus below a part in sight while the part grows. The browser does so by itself,
 * except at the top of a pane.
 *
 * @param {Element} part
 */
export function keepFocusInSight(part) {
  let height = part.getBoundingClientRect().height;
  new ResizeObserver(() => {
    const grown = part.getBoundingClientRect().height - height;
    height += grown;
    const focused = document.activeElement;
    if (!focused || part.contains(focused) || !part.parentElement?.contains(focused)) return;
    const { top, bottom } = focused.getBoundingClientRect();
    // Not if the person has scrolled away from it. A part may be cut off: browsers scroll by whole pixels.
    if (bottom > innerHeight && top - grown < innerHeight) focused.scrollIntoView({ block: "nearest" });
  }).observe(part);
}
