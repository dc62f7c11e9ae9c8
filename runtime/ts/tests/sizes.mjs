// Prints the size of the client, of its optional modules and of other libraries, minified and gzipped. Fails if the
// client exceeds its limit, or if the table in docs/typescript.md is stale; PARLOR_OVERWRITE=1 writes the table.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const docs = join(here, "../../../docs/typescript.md");
// 5 KB, as the README says.
const maxClientBytes = 5000;

/** The files that a page loads for this module: the bytes of those that it loads at once, and on demand. */
async function measure(contents, { withRules = false } = {}) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: here, loader: "ts", sourcefile: "entry.ts" },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    external: ["react", "svelte", "vue"],
    define: { "process.env.NODE_ENV": '"production"' },
    // Dynamic imports become files of their own.
    splitting: true,
    metafile: true,
    outdir: "out",
    absWorkingDir: here,
    write: false,
    logLevel: "error",
    plugins: withRules ? [rules] : [],
  });
  const bytes = new Map(
    outputFiles.map(({ path, contents }) => [path, gzipSync(contents, { level: 9 }).length]),
  );
  const initial = new Set();
  const load = (path) => {
    if (initial.has(path)) return;
    initial.add(path);
    for (const { path: imported, kind } of metafile.outputs[path].imports)
      if (kind === "import-statement" && imported in metafile.outputs) load(imported);
  };
  load(Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint === "entry.ts"));
  let [atOnce, onDemand] = [0, 0];
  for (const path in metafile.outputs)
    if (initial.has(path)) atOnce += bytes.get(join(here, path));
    else onDemand += bytes.get(join(here, path));
  return { atOnce, onDemand };
}

/** Replaces the empty rules by those that a contract has. */
const rules = {
  name: "rules",
  setup(build) {
    build.onResolve({ filter: /^\.\/rules\.js$/ }, () => ({ path: join(here, "support/rules.ts") }));
  },
};

const client = 'export { CallError, connect, createClient } from "../src/client";';
/** The client with the module; undefined if the module does not exist. */
const withModule = async (name) =>
  existsSync(join(here, `../src/${name}.ts`))
    ? (await measure(`${client} export * from "../src/${name}";`)).atOnce
    : undefined;
const installed = async (contents, name) => {
  const { version } = JSON.parse(readFileSync(join(here, `../node_modules/${name}/package.json`), "utf8"));
  return [`${name} ${version}`, (await measure(contents)).atOnce];
};

const { atOnce: clientBytes, onDemand } = await measure(client);
const sizes = [
  ["the client", clientBytes],
  ["with `events`, for async iteration", (await measure(`${client} export { events } from "../src/client";`)).atOnce],
  ["with rules to check", (await measure(client, { withRules: true })).atOnce],
  ["with `react.ts`", await withModule("react")],
  ["with `vue.ts`", await withModule("vue")],
  ["with `svelte.ts`", await withModule("svelte")],
  ["with `reactNative.ts`", await withModule("reactNative")],
  ["with `testing.ts`", await withModule("testing")],
  ["what `debug` loads on demand", onDemand || undefined],
  await installed('export { default } from "partysocket";', "partysocket"),
  await installed('export { Socket } from "phoenix";', "phoenix"),
  await installed('export { io } from "socket.io-client";', "socket.io-client"),
  await installed('export { Centrifuge } from "centrifuge";', "centrifuge"),
  await installed('export { HubConnectionBuilder } from "@microsoft/signalr";', "@microsoft/signalr"),
].filter(([, bytes]) => bytes);

for (const [name, bytes] of sizes) console.log(`${String(bytes).padStart(6)} bytes  ${name}`);

// Rounded up to 0.1 kB, so that few changes make the table stale.
const rows = sizes.map(([name, bytes]) => `| ${name} | ${(Math.ceil(bytes / 100) / 10).toFixed(1)} kB |`);
const table = ["| module | min + gzip |", "| --- | ---: |", ...rows].join("\n");
const text = readFileSync(docs, "utf8");
const written = /\| module \| min \+ gzip \|\n(?:\|.*\n?)*/.exec(text)?.[0].trimEnd();
if (written !== table) {
  if (process.env.PARLOR_OVERWRITE && written) writeFileSync(docs, text.replace(written, () => table));
  else {
    const stale = table.split("\n").filter((row) => !written?.split("\n").includes(row));
    console.error(
      `The table of sizes in docs/typescript.md is stale; PARLOR_OVERWRITE=1 npm run sizes writes it:\n${stale.join("\n")}`,
    );
    process.exitCode = 1;
  }
}
if (clientBytes > maxClientBytes) {
  console.error(`The client has ${clientBytes} bytes; the limit is ${maxClientBytes}.`);
  process.exitCode = 1;
}
