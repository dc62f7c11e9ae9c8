// Bundles the tests, since Node 20 cannot run TypeScript, and runs them. Arguments select files by name.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import "./docs.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "../node_modules/.tests");
const selected = process.argv.slice(2);
const tests = readdirSync(here).filter((file) => /\.test\.tsx?$/.test(file));
// Vitest runs the others.
for (const file of readdirSync(join(here, "docs")).map((file) => `docs/${file}`))
  if (readFileSync(join(here, file), "utf8").includes('from "node:test"')) tests.push(file);

rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: tests
    .filter((file) => !selected.length || selected.some((name) => file.includes(name)))
    .map((file) => ({ in: join(here, file), out: file.replace(/^docs\/|\.tsx?$/g, "") })),
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
      // The table in `src` is empty; the generator writes the real one.
      name: "rules",
      setup(build) {
        build.onResolve({ filter: /^\.\/rules\.js$/ }, () => ({ path: join(here, "support/rules.ts") }));
      },
    },
  ],
});
const files = readdirSync(out).map((file) => join(out, file));
// With CASES the model test has no timeout.
const timeout = process.env.CASES ? Infinity : 60_000;
const { status } = spawnSync(
  process.execPath,
  ["--enable-source-maps", "--test", `--test-timeout=${timeout}`, ...files],
  { stdio: "inherit" },
);
process.exit(status ?? 1);
