import { readFileSync } from "node:fs";

/** A heading of the guide, or a code block: a file to write, or commands to run. */
export type Block =
  | { section: string; kind: "heading" }
  | { section: string; kind: "file"; path: string; text: string }
  | { section: string; kind: "commands" | "background"; text: string };

/**
 * Reads the blocks of a guide, in order. A block is a file if the line before it is its path, as in
 * **`src/main.rs`**, and commands if its language is `sh`. `sh background` is for commands that keep
 * running. Other blocks are examples, and are left out.
 */
export function readBlocks(guide: string): Block[] {
  const blocks: Block[] = [];
  let section = "";
  const pattern = /^##+ (?<heading>.+)$|^(?:\*\*`(?<path>[^`]+)`\*\*\n\n)?```(?<language>.*)\n(?<text>[^]*?)^```$/gm;
  for (const { groups = {} } of readFileSync(guide, "utf8").matchAll(pattern)) {
    const { heading, path, language, text = "" } = groups;
    if (heading) blocks.push({ section: (section = heading), kind: "heading" });
    else if (path) blocks.push({ section, kind: "file", path, text });
    else if (language === "sh") blocks.push({ section, kind: "commands", text });
    else if (language === "sh background") blocks.push({ section, kind: "background", text });
  }
  return blocks;
}

/** The rows of the table below a heading: the cells without the marks of code. */
export function readTable(guide: string, heading: string): string[][] {
  const [, section = ""] = readFileSync(guide, "utf8").split(`# ${heading}\n`);
  const [, rows = ""] = section.split("| --- |\n");
  const [table = ""] = rows.split("\n\n");
  return table.split("\n").map((row) => row.slice(2, -2).split(" | ").map((cell) => cell.replaceAll("`", "")));
}
