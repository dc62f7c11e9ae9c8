import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { createInterface } from "node:readline";
import { once } from "node:events";

import { Server } from "../web/support/program";
import { Proxy } from "../web/support/proxy";
import { bun, deno, node20, node22, node24, version, workerd, type Runtime } from "./runtimes";
import { startWorker } from "./workerd";

/** The lines that the program prints. */
const expected = [
  "connecting: emit true",
  'connect {"recovered":false}',
  "newMessage before open",
  "members: 1",
  'refused: {"error":"noEntry","message":"the room name has 300 bytes, the limit is 256; raise `Limits::max_room_name`"}',
  'invalid: {"path":"text","message":"breaks the rule length","rule":"length","min":1,"max":1000}',
  "AbortError",
  "connected: emit true",
  "newMessage é漢🎉",
  "cut",
  "disconnect 1006 true",
  "reconnecting: emit true",
  'connect {"recovered":true}',
  'reconnect {"recovered":true}',
  "newMessage without a connection",
  "disconnect 1000 false",
  "closed: undefined",
  'closed: {"code":1000,"reason":"","cause":"closed"}',
];
const bundle = process.env.PARLOR_BUNDLE ?? "";

let server: Server;
let proxy: Proxy;

before(async () => {
  server = await Server.start("chat");
});
after(() => server?.kill());
beforeEach(async () => {
  proxy = await Proxy.to(server.port);
});
afterEach(() => proxy.close());

const baseUrl = () => `http://127.0.0.1:${proxy.port}/api`;

/** Cuts the connection when the program asks for it, and checks its lines. */
async function verify(lines: AsyncIterable<string>) {
  const printed: string[] = [];
  for await (const line of lines) {
    printed.push(line);
    if (line === "cut") proxy.cut();
  }
  assert.deepEqual(printed, expected);
}

/** Runs the program in a process, which must end by itself. It is killed when the test is aborted. */
async function verifyProcess(signal: AbortSignal, binary: string, ...args: string[]) {
  const child = spawn(binary, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, DENO_DIR: "node_modules/.deno", DENO_NO_UPDATE_CHECK: "1" },
    signal,
    killSignal: "SIGKILL",
  });
  child.on("error", () => {});
  const ended = once(child, "exit");
  await verify(createInterface({ input: child.stdout }));
  assert.deepEqual(await ended, [0, null]);
}

/** The test of a runtime: skipped where its package has no binary, unless all tests must run. */
function inRuntime({ name, binary }: Runtime, run: (binary: string, signal: AbortSignal) => Promise<void>) {
  const title = `in ${name} the bundle connects, calls, resumes its session and closes`;
  test(title, { timeout: 30_000 }, async (t) => {
    if (!binary) {
      assert.notEqual(process.env.PARLOR_TEST_ALL, "1", `no binary of ${name} for this platform`);
      return t.skip(`no binary of ${name} for this platform`);
    }
    t.diagnostic(`${name}: ${version(binary)}`);
    await run(binary, t.signal);
  });
}

for (const node of [node20, node22, node24])
  inRuntime(node, (binary, signal) => verifyProcess(signal, binary, "hosts/process.mjs", bundle, baseUrl()));

inRuntime(bun, (binary, signal) => verifyProcess(signal, binary, "hosts/process.mjs", bundle, baseUrl()));

inRuntime(deno, (binary, signal) => {
  const permissions = ["--allow-read", "--allow-env", "--allow-net=127.0.0.1"];
  const options = ["run", "--no-config", ...permissions];
  return verifyProcess(signal, binary, ...options, "hosts/process.mjs", bundle, baseUrl());
});

inRuntime(workerd, async (binary, signal) => {
  const { lines, stop } = await startWorker(binary, bundle, baseUrl());
  signal.addEventListener("abort", stop);
  try {
    await verify(lines);
  } finally {
    stop();
  }
});

for (const reactNative of ["0.73", "0.82"])
  inRuntime({ name: `the globals of React Native ${reactNative}`, binary: process.execPath }, (binary, signal) =>
    verifyProcess(signal, binary, "hosts/reactNative.mjs", bundle, baseUrl(), reactNative),
  );
