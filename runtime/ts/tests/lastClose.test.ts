import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { CallError, type Close, type Options, type SocketError } from "../src/client.js";
import { type Connected, connected, cut } from "./support/connectedSocket.js";
import { advance, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(startClock);

/** Ends of a socket, and what they leave behind. */
const ends: [name: string, options: Options, end: (all: Connected) => unknown, close: Close][] = [
  ["closed by this side", {}, ({ socket }) => socket.close(4321, "enough"), { code: 4321, reason: "enough", cause: "closed" }],
  [
    "rejected by the server",
    {},
    ({ first }) => first.end(4501, "token expired"),
    { code: 4501, reason: "token expired", cause: "rejected" },
  ],
  [
    "rejected at the next attempt",
    {},
    async (all) => (await cut(all), all.net.last.end(4505, "banned")),
    { code: 4505, reason: "banned", cause: "rejected" },
  ],
  [
    "gave up",
    { maxReconnectAttempts: 1 },
    async (all) => (await cut(all), all.net.last.end(1006)),
    { code: 1006, reason: "", cause: "gaveUp" },
  ],
  ["lost without reconnect", { reconnect: false }, ({ first }) => first.end(1006), { code: 1006, reason: "", cause: "lost" }],
];

for (const [name, options, end, close] of ends)
  test(`${name}: lastClose, pending calls, new calls and emit tell the code, reason and cause`, async () => {
    const all = await connected(options);
    assert.equal(all.socket.lastClose, undefined);
    const pending = all.socket.call("clear", {}, { timeout: Infinity }).catch((error) => error);
    await end(all);
    assert.deepEqual(all.socket.lastClose, close);
    const error: CallError = await pending;
    assert.deepEqual([error.code, error.close], ["closed", close]);
    for (const text of Object.values(close)) assert.ok(error.message.includes(String(text)), error.message);
    if (close.cause === "gaveUp") return;
    const late: CallError = await all.socket.call("clear").catch((error) => error);
    assert.deepEqual([late.code, late.close], ["closed", close]);
    assert.equal(all.socket.emit("touch"), false);
    const last = all.log.of("error").at(-1) as SocketError;
    assert.deepEqual([last.code, last.event, last.close], ["closed", "touch", close]);
  });

test("a call that is lost with its session tells how the connection ended", async () => {
  const all = await connected();
  const pending = all.socket.call("clear", {}, { timeout: Infinity }).catch((error) => error);
  all.first.end(1012, "restart");
  const error: CallError = await pending;
  assert.deepEqual([error.code, error.close], ["disconnected", { code: 1012, reason: "restart", cause: "lost" }]);
});

test("subscribers are called for each end, also while the status stays the same", async () => {
  const all = await connected();
  const seen: [string, Close | undefined][] = [];
  all.socket.subscribe(() => seen.push([all.socket.status, all.socket.lastClose]));
  await cut(all);
  all.net.last.end(4003, "later");
  await advance(2000);
  all.net.last.welcome();
  assert.deepEqual(
    seen.map(([status, close]) => [status, close?.code]),
    [
      ["reconnecting", 1006],
      ["reconnecting", 4003],
      ["connected", 4003],
    ],
  );
});
