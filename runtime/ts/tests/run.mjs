// Bundles the tests, since Node 20 runs no TypeScript, and runs them: all, or those that are named.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../node_modules/.tests");
const wanted = process.argv.slice(2);
const tests = readdirSync(here).filter(
  (file) => /\.test\.tsx?$/.test(file) && (!wanted.length || wanted.some((name) => file.includes(name))),
);

rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: tests.map((file) => join(here, file)),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  jsx: "automatic",
  sourcemap: "inline",
  logLevel: "warning",
  plugins: [
    {
      // The runtime's own table is empty: the generator writes it.
      name: "rules",
      setup(build) {
        build.onResolve({ filter: /^\.\/rules\.js$/ }, () => ({ path: join(here, "support/rules.ts") }));
      },
    },
  ],
});
const files = readdirSync(out).map((file) => join(out, file));
// With CASES the model test runs for as long as it takes.
const timeout = process.env.CASES ? Infinity : 60_000;
const { status } = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--test", `--test-timeout=${timeout}`, ...files],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
