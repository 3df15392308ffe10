// Leaving with YAML: copy it, or write it to profiles/.
// @ts-check

import { byId, enable, h, onPress, show, write } from "./dom.js";
import { read, summary } from "./diff.js";

/** @import { Nested, ProfileSet, Yaml } from "./contract" */
/** @import { Server } from "./server.js" */

/** What is to be kept. @typedef {{base: string, overrides: Nested, isTuned: boolean}} Tuned */

/** The part of the page that gives the YAML. */
export class Keep {
  /**
   * @param {Server} server
   * @param {() => Tuned} tuned
   * @param {(name: string) => void} written
   * @param {(text: string) => void} announce
   */
  constructor(server, tuned, written, announce) {
    this._server = server;
    this._tuned = tuned;
    this._written = written;
    this._announce = announce;
    this._asked = 0;
    this._text = "";
    this._wrote = "";
    this._name = /** @type {HTMLInputElement} */ (byId("keep-name"));
    this._about = /** @type {HTMLInputElement} */ (byId("keep-about"));
    this._isNamed = false;
    this._name.addEventListener("input", () => {
      this._isNamed = this._name.value !== "";
      void this.update();
    });
    this._about.addEventListener("input", () => void this.update());
    onPress(byId("copy"), () => void this._copy());
    onPress(byId("write"), () => void this._write());
  }

  /** @param {ProfileSet} set */
  offer(set) {
    byId("names").replaceChildren(...set.profiles.map((each) => h("option", { value: each.name })));
    show(byId("write"), set.write);
    show(byId("no-write"), !set.write);
  }

  /** Show what would be written. */
  async update() {
    const tuned = this._tuned();
    if (!this._isNamed) this._name.value = `${tuned.base}-tuned`;
    this._asked += 1;
    const asked = this._asked;
    this._enable(false);
    if (!tuned.isTuned) {
      this._show([], "", this._wrote || "Change a setting, and the difference appears here as YAML.");
      return;
    }
    this._wrote = "";
    try {
      const yaml = /** @type {Yaml} */ (await this._server.post("/api/yaml", this._body(tuned)));
      if (asked !== this._asked) return;
      this._text = yaml.text;
      const lines = read(yaml.diff);
      const what = yaml.exists ? `Changes ${yaml.file}: ${summary(lines)}.` : `A new file, ${yaml.file}.`;
      this._show(yaml.exists ? lines : plain(yaml.text), problems(yaml), what);
      this._enable(yaml.problems.every((each) => each.severity === "warning"));
    } catch (error) {
      if (asked === this._asked) this._show([], text(error), "");
    }
  }

  /** @param {Tuned} tuned */
  _body(tuned) {
    return {
      name: this._name.value,
      base: tuned.base,
      overrides: tuned.overrides,
      description: this._about.value,
    };
  }

  /** @param {import("./diff.js").Line[]} lines @param {string} problem @param {string} what */
  _show(lines, problem, what) {
    byId("yaml").replaceChildren(...lines.map(line));
    show(byId("yaml"), lines.length > 0);
    write(byId("keep-what"), what);
    write(byId("keep-problem"), problem);
    show(byId("keep-problem"), problem !== "");
  }

  /** @param {boolean} isOn */
  _enable(isOn) {
    for (const id of ["copy", "write"]) enable(byId(id), isOn);
  }

  async _copy() {
    try {
      await navigator.clipboard.writeText(this._text);
      this._announce("copied");
    } catch {
      const range = document.createRange();
      range.selectNodeContents(byId("yaml"));
      getSelection()?.removeAllRanges();
      getSelection()?.addRange(range);
      this._announce("The browser does not let the page copy: the text is selected, copy it by the keyboard.");
    }
  }

  async _write() {
    const name = this._name.value;
    this._enable(false);
    try {
      const yaml = /** @type {Yaml} */ (await this._server.post("/api/write", this._body(this._tuned())));
      const bad = yaml.problems.filter((each) => each.severity !== "warning");
      if (bad.length > 0) {
        this._show(read(yaml.diff), `Not written: ${problems(yaml)}`, "");
        return;
      }
      this._isNamed = false;
      this._about.value = "";
      this._wrote = `Written to ${yaml.file}: the next call has it.`;
      this._written(name);
    } catch (error) {
      write(byId("keep-problem"), `Not written: ${text(error)}`);
      show(byId("keep-problem"), true);
      this._enable(true);
    }
  }
}

/** @param {import("./diff.js").Line} each */
function line(each) {
  if (each.kind === "gap") return h("span", { class: "gap" }, "\u2026\n");
  const mark = { plain: "", same: "  ", added: "+ ", removed: "- " }[each.kind];
  return h("span", { class: each.kind }, `${mark}${each.text}\n`);
}

/** @param {string} content @returns {import("./diff.js").Line[]} */
function plain(content) {
  return content.trimEnd().split("\n").map((each) => ({ kind: "plain", text: each }));
}

/** @param {Yaml} yaml */
function problems(yaml) {
  return yaml.problems.map((each) => each.message).join("\n");
}

/** @param {unknown} error */
function text(error) {
  return error instanceof Error ? error.message : String(error);
}
