// Generates the clients that the tests use, and extracts the component from the README, so that `tsc`
// checks it, too.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { programs } from "./programs.mjs";

for (const [name, folder] of [
  ["accounts", "client/api"],
  ["guide", "guide/api"],
  ["shapes", "shapes/api"],
]) {
  const options = { cwd: import.meta.dirname, stdio: "inherit" };
  const { status } = spawnSync(programs[name], ["typescript", folder], options);
  if (status !== 0) process.exit(status ?? 1);
}

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const [, component] = /```tsx\r?\n([^]*?)```/.exec(readme);
writeFileSync(join(import.meta.dirname, "guide/api/readme.tsx"), component.replaceAll('"./api', '"../api'));
