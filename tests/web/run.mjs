// Builds the tests, since Node 20 cannot run TypeScript, and runs them. Arguments select files by a part
// of the path.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build } from "esbuild";

import { programs } from "./programs.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "node_modules/.tests");

const selected = process.argv.slice(2);
// `web-app` builds a project of its own, so it runs only if it is selected.
const folders = ["client", "guide", "http2", "page", "shapes", ...(selected.includes("web-app") ? ["web-app"] : [])];
const tests = folders
  .flatMap((folder) => readdirSync(join(here, folder)).map((file) => `${folder}/${file}`))
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => !selected.length || selected.some((name) => file.includes(name)));

rmSync(out, { recursive: true, force: true });
await build({
  absWorkingDir: here,
  entryPoints: [...tests, "support/browsers.ts"],
  outbase: here,
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
});
const { serveFirefox } = await import(pathToFileURL(join(out, "support/browsers.mjs")));
const firefox = await serveFirefox();
const running = spawn(
  process.execPath,
  [
    "--enable-source-maps",
    "--test",
    // One file at a time: under the load of several, Chromium ends a page before it has sent the close frame of
    // the page's WebSocket.
    "--test-concurrency=1",
    // Of a test, and of all tests of a file.
    `--test-timeout=${(selected.includes("web-app") ? 600_000 : 180_000) + 60_000 * Number(process.env.PARLOR_OUTAGE_ATTEMPTS ?? 0)}`,
    ...tests.map((file) => join(out, file.replace(/\.ts$/, ".mjs"))),
  ],
  { cwd: here, stdio: "inherit", env: { ...process.env, ...firefox.env, PARLOR_PROGRAMS: JSON.stringify(programs) } },
);
const [status] = await once(running, "exit");
await firefox.stop();
process.exit(status ?? 1);
