import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";

import { build, transform } from "esbuild";

const source = join(dirname(fileURLToPath(import.meta.url)), "../../src");

/** Globals of browsers and Node that are not part of the language. */
const names = [
  ...["window", "self", "document", "navigator", "location", "WebSocket", "console", "process"],
  ...["addEventListener", "setTimeout", "clearTimeout", "queueMicrotask", "performance", "crypto"],
  ...["TextEncoder", "URL", "btoa", "AbortController", "EventTarget", "localStorage"],
];

/** Runs the file without these globals, and records which of them it reads. */
async function load(file: string) {
  const { outputFiles } = await build({
    entryPoints: [join(source, file)],
    bundle: true,
    format: "iife",
    globalName: "exported",
    target: "es2020",
    external: ["react", "svelte", "vue"],
    write: false,
  });
  const read: string[] = [];
  const context = createContext({ require: () => ({}) });
  for (const name of names)
    Object.defineProperty(context, name, { get: () => void read.push(name), configurable: true });
  const exported = runInContext(`${outputFiles[0]?.text}; exported`, context);
  return { exported, read };
}

test("importing the client, hooks, composables, stores or the fake server reads no global", async () => {
  for (const file of ["client.ts", "react.ts", "svelte.ts", "testing.ts", "vue.ts"]) {
    const { exported, read } = await load(file);
    assert.deepEqual(read, [], file);
    assert.ok(Object.keys(exported).length, file);
  }
});

test("creating a client reads no global", async () => {
  const { exported, read } = await load("client.ts");
  const client = exported.createClient({ baseUrl: "/api" });
  assert.equal(client.chat.wsChat.$url, "/api/chat/wsChat");
  assert.deepEqual(read, []);
});

test("the client exports four names, and the hooks are a module of their own", async () => {
  const client = await load("client.ts");
  assert.deepEqual(Object.keys(client.exported).sort(), ["CallError", "connect", "createClient", "events"]);
  const react = await load("react.ts");
  assert.deepEqual(Object.keys(react.exported).sort(), ["useCall", "useConnection", "useEvent", "useWebSocket"]);
  for (const file of ["svelte.ts", "vue.ts"])
    assert.deepEqual(Object.keys((await load(file)).exported).sort(), ["useCall", "useConnection", "useEvent"]);
});

test("the client and the hook contain nothing of the fake server", async () => {
  const { metafile } = await build({
    entryPoints: ["client.ts", "react.ts"].map((file) => join(source, file)),
    bundle: true,
    external: ["react"],
    outdir: "out",
    metafile: true,
    write: false,
  });
  const files = Object.keys(metafile.inputs);
  assert.ok(files.some((file) => file.endsWith("/socket.ts")));
  assert.deepEqual(files.filter((file) => /(fake|testing)\w*\.ts$/.test(file)), []);
});

test("the hook starts with \"use client\", so that server components can import it", async () => {
  const { code } = await transform(await readFile(join(source, "react.ts"), "utf8"), { loader: "ts" });
  assert.match(code, /^"use client";/);
});

test("the modules of the client form no import circle", async () => {
  const imports = new Map<string, string[]>();
  for (const file of await readdir(source)) {
    const text = await readFile(join(source, file), "utf8");
    imports.set(file, [...text.matchAll(/ from "\.\/(\w+)\.js"/g)].map(([, name]) => `${name}.ts`));
  }
  assert.ok(imports.get("client.ts")?.includes("socket.ts"));
  // Remove modules without imports until there are none.
  for (let size = 0; size !== imports.size; ) {
    size = imports.size;
    for (const [file, names] of imports) if (!names.some((name) => imports.has(name))) imports.delete(file);
  }
  assert.deepEqual([...imports.keys()], []);
});
