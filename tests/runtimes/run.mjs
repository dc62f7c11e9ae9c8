// Generates the client of the chat example, bundles the program that uses it, and runs the tests.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { build } from "esbuild";

import { cargo } from "../web/cargo.mjs";

const here = import.meta.dirname;
const out = join(here, "node_modules/.tests");

function run(file, args, env) {
  const { status } = spawnSync(file, args, { cwd: here, stdio: "inherit", env: { ...process.env, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

const chat = cargo("--package=parlor-examples", "--example=chat");
run(chat, ["typescript", "api"]);
run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "."]);

const options = { absWorkingDir: here, bundle: true, logLevel: "warning" };
const bundle = join(out, "program.js");
// A script, since React Native has no modules. The other runtimes import it as a module.
await build({ ...options, entryPoints: ["program.ts"], outfile: bundle, platform: "neutral", format: "iife", target: "es2020" });

const tests = join(out, "runtimes.test.mjs");
await build({
  ...options,
  entryPoints: ["runtimes.test.ts"],
  outfile: tests,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
});
run(process.execPath, ["--enable-source-maps", "--test", "--test-timeout=300000", tests], {
  PARLOR_PROGRAMS: JSON.stringify({ chat }),
  PARLOR_BUNDLE: bundle,
});
