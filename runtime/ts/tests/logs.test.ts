import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { inspect } from "node:util";

import { connect, type DebugFrame, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, secret, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

/** What was printed, by the method of the console. */
let printed: [method: string, text: string][];

beforeEach(() => {
  stopClock();
  printed = [];
  for (const method of ["log", "warn", "error", "groupCollapsed", "groupEnd"] as const)
    mock.method(console, method, (...args: unknown[]) => {
      const text = args.map((arg) => (typeof arg === "string" ? arg : inspect(arg))).join(" ");
      // Node itself warns of the mock timers.
      if (!text.includes("ExperimentalWarning")) printed.push([method, text]);
    });
});
afterEach(() => {
  mock.restoreAll();
  startClock();
});

async function dial(options: Options = {}, url = "ws://server/api/other") {
  const net = fake();
  const socket = connect<Chat>(url, { WebSocket: net.WebSocket, jitter: 0, ...options });
  await settle();
  return { net, socket };
}

test("an outage prints one warning, and the next outage another", async () => {
  const { net } = await dial();
  for (let outage = 1; outage <= 2; outage++) {
    for (let i = 0; i < 11; i++) {
      net.last.end(1006);
      await advance(30_000);
    }
    assert.deepEqual(printed.map(([method]) => method), Array(outage).fill("warn"));
    net.last.welcome();
    await advance(1000);
  }
});

test("what auth and url throw is printed nowhere, and neither are the password and the query of the URL", async () => {
  const secretError = () => {
    throw Object.assign(new Error("Bearer hunter2"), { token: "hunter2" });
  };
  for (const options of [{ identity: "ann", auth: secretError }, { url: secretError }] as Options[]) {
    const { socket } = await dial(options, "ws://ann:hunter2@server/chat?token=hunter2");
    assert.equal(printed.length, 1);
    socket.close();
    socket.emit("touch");
    assert.doesNotMatch(printed.join(), /hunter2/);
    assert.match(printed.join(), /url or auth failed: Error/);
    printed.length = 0;
  }
  const { net } = await dial({}, "ws://ann:hunter2@server/chat?token=hunter2");
  net.last.end(1006);
  assert.doesNotMatch(printed.join(), /hunter2/);
  assert.match(printed.join(), /ws:\/\/server\/chat/);
});

test("debug: true prints a group for each frame, without payloads and secrets", async () => {
  const { net, socket } = await dial({ debug: true }, "ws://ann:hunter2@server/chat?token=hunter2");
  net.last.welcome({ resume: secret() });
  socket.emit("sendMessage", { room: "a", text: "private" });
  socket.call("clear").catch(() => {});
  await settle();
  assert.deepEqual(
    printed.filter(([method]) => method === "groupCollapsed").map(([, text]) => text.replace(/\d+ char.*/, "")),
    ["Parlor ← $welcome, ", "Parlor → sendMessage, ", "Parlor → clear #1, "],
  );
  assert.equal(printed.filter(([method]) => method === "groupEnd").length, 3);
  assert.match(printed.join(), /1970-01-01T00:16:40.000Z ws:\/\/server\/chat$|1970-01-01T00:16:40.000Z ws:\/\/server\/chat,/);
  assert.doesNotMatch(printed.join(), /private|hunter2|sss/);
});

test("with debugPayloads payloads are printed, and the resume secret is masked", async () => {
  const { net, socket } = await dial({ debug: true, debugPayloads: true });
  net.last.welcome({ resume: secret() });
  socket.emit("sendMessage", { room: "a", text: "shown" });
  await settle();
  assert.match(printed.join(), /shown/);
  assert.match(printed.join(), /maxMessage/);
  assert.doesNotMatch(printed.join(), /sss/);
});

test("a debug function that throws is printed, and the frames are handled", async () => {
  const debug = () => {
    throw new Error("oh");
  };
  const { net, socket } = await dial({ debug });
  net.last.welcome();
  assert.equal(socket.status, "connected");
  socket.emit("touch");
  assert.deepEqual(net.last.sent, [["touch", {}]]);
  assert.deepEqual(printed.map(([method]) => method), ["error", "error"]);
});

test("a debug function gets each frame in order", async () => {
  const frames: DebugFrame[] = [];
  const { net, socket } = await dial({ debug: (frame) => frames.push(frame) });
  net.last.welcome({ resume: secret() });
  const call = socket.call("clear");
  net.last.frame("$ok", null, 1);
  await call;
  net.last.text("?");
  await settle();
  assert.deepEqual(
    frames.map(({ direction, name, id, url, time, length }) => [direction, name, id, url, time, length > 0]),
    [
      ["in", "$welcome", undefined, "ws://server/api/other", 1_000_000, true],
      ["out", "clear", 1, "ws://server/api/other", 1_000_000, true],
      ["in", "$ok", 1, "ws://server/api/other", 1_000_000, true],
      ["in", "", undefined, "ws://server/api/other", 1_000_000, true],
    ],
  );
  assert.ok(frames.every((frame) => !("payload" in frame)));
});

test("in development an option that is no number in its bounds is an error, and the others are not", async () => {
  const { socket } = await dial({ jitter: 5, connectTimeout: NaN, callTimeout: Infinity, bufferSize: undefined });
  assert.deepEqual(printed, [
    ["error", "Parlor: the option jitter is 5, and not a number from 0 to 1"],
    ["error", "Parlor: the option connectTimeout is NaN, and not a number from 1 to Infinity"],
  ]);
  socket.close();
});
