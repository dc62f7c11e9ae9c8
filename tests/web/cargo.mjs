import { spawnSync } from "node:child_process";

/** Builds a Rust program. Returns its path. */
export function cargo(...args) {
  const { status, stdout } = spawnSync(
    "cargo",
    ["build", "--quiet", "--message-format=json-render-diagnostics", ...args],
    { cwd: import.meta.dirname, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] },
  );
  if (status !== 0) process.exit(status ?? 1);
  const messages = stdout.trim().split("\n").map((line) => JSON.parse(line));
  return messages.findLast(({ executable }) => executable).executable;
}
