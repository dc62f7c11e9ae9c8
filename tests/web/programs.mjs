// Builds the Rust programs that the tests start.
import { spawnSync } from "node:child_process";

/** Builds a program. Returns its path. */
function cargo(...args) {
  const { status, stdout } = spawnSync(
    "cargo",
    ["build", "--quiet", "--message-format=json-render-diagnostics", ...args],
    { cwd: import.meta.dirname, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] },
  );
  if (status !== 0) process.exit(status ?? 1);
  const messages = stdout.trim().split("\n").map((line) => JSON.parse(line));
  return messages.findLast(({ executable }) => executable).executable;
}

/** Their paths. */
export const programs = {
  chat: cargo("--package=parlor-examples", "--example=chat"),
  guide: cargo("--package=parlor-examples", "--example=guide"),
  // With the same features, so that Parlor is built once for both.
  http2: cargo("--package=parlor-tests", "--features=rustls,typescript", "--bin=http2"),
  shapes: cargo("--package=parlor-tests", "--features=rustls,typescript", "--bin=shapes"),
};
