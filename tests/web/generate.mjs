// Has the servers write their clients, for which the tests are typed.
import { spawnSync } from "node:child_process";

import { programs } from "./programs.mjs";

for (const [name, folder] of [
  ["guide", "guide/api"],
  ["shapes", "shapes/api"],
]) {
  const options = { cwd: import.meta.dirname, stdio: "inherit" };
  const { status } = spawnSync(programs[name], ["typescript", folder], options);
  if (status !== 0) process.exit(status ?? 1);
}
