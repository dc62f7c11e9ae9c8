import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, lifecycle, recorder, settle, sleep, startClock, stopClock } from "./support/fake.js";

beforeEach(stopClock);
afterEach(startClock);

async function connected(options: Options = {}, welcome: object | null = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, "newMessage", ...lifecycle);
  await settle();
  if (welcome) net.last.welcome(welcome);
  else net.last.open();
  return { net, socket, log, first: net.last };
}

test("after silence a ping, then dead; its late frames and its end are not heard", async () => {
  const { net, socket, log, first } = await connected();
  await advance(29_900);
  assert.deepEqual(first.sent, []);
  await advance(100);
  assert.deepEqual(first.sent, [["ping", 1]]);
  await advance(9900);
  assert.equal(socket.status, "connected");
  await advance(100);
  assert.equal(socket.status, "reconnecting");
  assert.deepEqual(first.closed, { code: 4001, reason: undefined });
  assert.deepEqual(log.heard, [
    ["connect", { recovered: false }],
    ["disconnect", { code: 4001, reason: "heartbeat missed", willReconnect: true }],
    ["reconnecting", { attempt: 1, delay: 1000 }],
  ]);
  first.frame("newMessage", {});
  first.end(4001);
  await advance(1000);
  assert.equal(net.made.length, 2);
  net.last.welcome();
  first.frame("newMessage", {});
  first.end(1006);
  assert.equal(socket.status, "connected");
  assert.deepEqual(log.names().slice(3), ["connect", "reconnect"]);
});

test("any frame is a sign of life, even one that cannot be read", async () => {
  const { socket, first, log } = await connected();
  log.listen(socket, "error");
  for (const frame of ['["pong",1]', '["pong",null]', '["newMessage",{}]', "{", '["$new",1]']) {
    await advance(29_900);
    first.text(frame);
  }
  await advance(29_900);
  assert.deepEqual(first.sent, []);
  await advance(100);
  assert.equal(first.sent.length, 1);
  first.frame("pong", 1);
  await advance(10_000);
  assert.equal(socket.status, "connected");
});

test("pings count up and go on", async () => {
  const { first } = await connected();
  for (let i = 0; i < 3; i++) {
    await advance(30_000);
    first.frame("pong", i + 1);
  }
  assert.deepEqual(first.sent, [["ping", 1], ["ping", 2], ["ping", 3]]);
});

test("the longer of the two intervals is taken", async () => {
  for (const [own, server, taken] of [
    [5000, 20_000, 20_000],
    [20_000, 5000, 20_000],
    [0, 7000, 7000],
  ] as const) {
    const { first, socket } = await connected({ heartbeatInterval: own }, { heartbeat: server });
    await advance(taken - 100);
    assert.deepEqual(first.sent, []);
    await advance(100);
    assert.deepEqual(first.sent, [["ping", 1]]);
    socket.close();
  }
});

test("the interval and the timeout of the options", async () => {
  const { socket } = await connected({ heartbeatInterval: 1000, heartbeatTimeout: 500 }, { heartbeat: 0 });
  await advance(1400);
  assert.equal(socket.status, "connected");
  await advance(100);
  assert.equal(socket.status, "reconnecting");
});

test("in plain mode the ping is null; 0 and Infinity mean none", async () => {
  const plain = await connected({}, null);
  await advance(30_000);
  assert.deepEqual(plain.first.sent, [["ping", null]]);
  const none = await connected({ heartbeatInterval: 0 }, null);
  const never = await connected({ heartbeatInterval: Infinity }, null);
  await advance(600_000);
  assert.deepEqual([...none.first.sent, ...never.first.sent], []);
});

test("close ends the heartbeat", async () => {
  const { socket, first } = await connected();
  socket.close();
  await advance(100_000);
  assert.deepEqual(first.sent, []);
});

test("a timer that fires far too late has slept: it asks, with little patience", async () => {
  const alive = await connected();
  await sleep(3_600_000);
  assert.deepEqual(alive.first.sent, [["ping", 1]]);
  await advance(4900);
  alive.first.frame("pong", 1);
  await advance(20_000);
  assert.equal(alive.socket.status, "connected");

  const dead = await connected();
  await sleep(3_600_000);
  await advance(4900);
  assert.equal(dead.socket.status, "connected");
  await advance(100);
  assert.equal(dead.socket.status, "reconnecting");
});

test("a machine that sleeps while a ping is out is not told dead before it is asked again", async () => {
  const { socket, first } = await connected();
  await advance(30_000);
  assert.equal(first.sent.length, 1);
  await sleep(3_600_000);
  assert.equal(socket.status, "connected");
  assert.equal(first.sent.length, 2);
  first.frame("pong", 2);
  await advance(10_000);
  assert.equal(socket.status, "connected");
});

test("but a dead connection in a tab whose timers are always late is told dead", async () => {
  const { socket, first } = await connected();
  await sleep(60_000);
  assert.equal(first.sent.length, 1);
  await sleep(60_000);
  await sleep(60_000);
  assert.equal(socket.status, "reconnecting");
});

test("a clock that is set back, or forward, neither kills a connection nor keeps a dead one", async () => {
  for (const hours of [-1, 1]) {
    const { socket, first } = await connected();
    await advance(10_000);
    const { now } = Date;
    Date.now = () => now() + hours * 3_600_000;
    try {
      await advance(20_000);
      assert.deepEqual(first.sent, [["ping", 1]]);
      first.frame("pong", 1);
      await advance(29_900);
      assert.equal(first.sent.length, 1);
      await advance(100);
      assert.equal(first.sent.length, 2);
      assert.equal(socket.status, "connected");
      await advance(10_000);
      assert.equal(socket.status, "reconnecting");
    } finally {
      Date.now = now;
      socket.close();
    }
  }
});
