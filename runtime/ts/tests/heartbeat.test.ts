import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, lifecycle, recorder, settle, suspend, startClock, stopClock } from "./support/fakeWebSocket.js";

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

test("silence after a ping loses the connection, and its later messages and close are ignored", async () => {
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
  assert.deepEqual(log.entries, [
    ["connect", { recovered: false }],
    ["disconnect", { code: 4001, reason: "heartbeat missed", cause: "lost", willReconnect: true }],
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

test("any message resets the silence, even one that cannot be parsed", async () => {
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

test("pings are numbered and repeat after each interval", async () => {
  const { first } = await connected();
  for (let i = 0; i < 3; i++) {
    await advance(30_000);
    first.frame("pong", i + 1);
  }
  assert.deepEqual(first.sent, [["ping", 1], ["ping", 2], ["ping", 3]]);
});

test("the longer interval of client and server is used", async () => {
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

test("heartbeatInterval and heartbeatTimeout set when the connection is lost", async () => {
  const { socket } = await connected({ heartbeatInterval: 1000, heartbeatTimeout: 500 }, { heartbeat: 0 });
  await advance(1400);
  assert.equal(socket.status, "connected");
  await advance(100);
  assert.equal(socket.status, "reconnecting");
});

test("close stops the heartbeat", async () => {
  const { socket, first } = await connected();
  socket.close();
  await advance(100_000);
  assert.deepEqual(first.sent, []);
});

test("after a suspended timer a ping is answered within 5 s or the connection is lost", async () => {
  const answering = await connected();
  await suspend(3_600_000);
  assert.deepEqual(answering.first.sent, [["ping", 1]]);
  await advance(4900);
  answering.first.frame("pong", 1);
  await advance(20_000);
  assert.equal(answering.socket.status, "connected");

  const silent = await connected();
  await suspend(3_600_000);
  await advance(4900);
  assert.equal(silent.socket.status, "connected");
  await advance(100);
  assert.equal(silent.socket.status, "reconnecting");
});

test("a suspension after a ping sends another ping before the connection is lost", async () => {
  const { socket, first } = await connected();
  await advance(30_000);
  assert.equal(first.sent.length, 1);
  await suspend(3_600_000);
  assert.equal(socket.status, "connected");
  assert.equal(first.sent.length, 2);
  first.frame("pong", 2);
  await advance(10_000);
  assert.equal(socket.status, "connected");
});

test("a connection whose timers are always late is lost after the second ping", async () => {
  const { socket, first } = await connected();
  await suspend(60_000);
  assert.equal(first.sent.length, 1);
  await suspend(60_000);
  await suspend(60_000);
  assert.equal(socket.status, "reconnecting");
});

test("a changed clock neither loses a connection nor delays the loss of a silent one", async () => {
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
