// A unified diff -> lines to show.
// @ts-check

/**
 * @typedef {{kind: "plain" | "same" | "added" | "removed" | "gap", text: string}} Line
 */

/**
 * Read a unified diff; the names of the files are left out.
 *
 * @param {string} text
 * @returns {Line[]}
 */
export function read(text) {
  /** @type {Line[]} */
  const lines = [];
  let inside = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("@@")) {
      if (inside) lines.push({ kind: "gap", text: "" });
      inside = true;
    } else if (inside && line.startsWith("+")) {
      lines.push({ kind: "added", text: line.slice(1) });
    } else if (inside && line.startsWith("-")) {
      lines.push({ kind: "removed", text: line.slice(1) });
    } else if (inside && line.startsWith(" ")) {
      lines.push({ kind: "same", text: line.slice(1) });
    }
  }
  return lines;
}

/** In a few words. @param {Line[]} lines */
export function summary(lines) {
  const added = lines.filter((line) => line.kind === "added").length;
  const removed = lines.filter((line) => line.kind === "removed").length;
  if (!added && !removed) return "no change";
  return `${count(added, "line")} added, ${removed} removed`;
}

/** @param {number} number @param {string} noun */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
