import assert from "node:assert/strict";
import { test } from "node:test";

import { connect, events, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { fake, settle } from "./support/fakeWebSocket.js";

async function connected(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket, jitter: 0, ...options });
  await settle();
  net.last.welcome();
  const deliver = (text: string) => net.last.frame("newMessage", { text });
  return { net, socket, deliver };
}

test("a loop gets all events in order, and ends when the socket closes", async () => {
  const { net, socket, deliver } = await connected();
  const received: unknown[] = [];
  const loop = (async () => {
    for await (const { event, data } of events(socket)) {
      received.push([event, data]);
      await settle();
    }
  })();
  deliver("1");
  deliver("2");
  await settle();
  net.last.frame("userJoined", { userId: "ada" });
  net.last.frame("$ack", 1);
  await settle();
  deliver("3");
  socket.close();
  deliver("late");
  await loop;
  assert.deepEqual(received, [
    ["newMessage", { text: "1" }],
    ["newMessage", { text: "2" }],
    ["userJoined", { userId: "ada" }],
    ["newMessage", { text: "3" }],
  ]);
});

test("a loop continues after a reconnect, and ends with a final close code", async () => {
  const { net, socket, deliver } = await connected();
  const iterator = events(socket)[Symbol.asyncIterator]();
  net.last.end(1012);
  socket.connect();
  await settle();
  net.last.welcome();
  deliver("again");
  assert.equal((await iterator.next()).done, false);
  const next = iterator.next();
  net.last.end(4500);
  assert.deepEqual(await next, { done: true, value: undefined });
});

test("each of several loops gets every event; a loop that was left buffers none", async () => {
  const { socket, deliver } = await connected();
  const counts = [0, 0];
  const loops = [1, 3].map(async (most, i) => {
    for await (const _ of events(socket)) if (++counts[i]! >= most) break;
  });
  for (let i = 0; i < 5; i++) deliver(String(i));
  await Promise.all(loops);
  assert.deepEqual(counts, [1, 3]);
  for (let i = 0; i < 5000; i++) deliver("ignored");
  await settle();
  socket.close();
});

test("return during a pending next ends the loop", async () => {
  const { socket, deliver } = await connected();
  const iterator = events(socket)[Symbol.asyncIterator]();
  const next = iterator.next();
  await iterator.return?.();
  assert.equal((await next).done, true);
  deliver("late");
  assert.equal((await iterator.next()).done, true);
  socket.close();
});

test("concurrent calls of next resolve in order", async () => {
  const { socket, deliver } = await connected();
  const iterator = events(socket)[Symbol.asyncIterator]();
  const waits = [iterator.next(), iterator.next(), iterator.next()];
  deliver("1");
  deliver("2");
  await settle();
  deliver("3");
  const results = await Promise.all(waits);
  assert.deepEqual(
    results.map(({ value }) => (value?.data as { text: string }).text),
    ["1", "2", "3"],
  );
  socket.close();
});

test("a loop with more than 1024 events pending throws", async () => {
  const { socket, deliver } = await connected();
  const full = events(socket)[Symbol.asyncIterator]();
  for (let i = 0; i < 1024; i++) deliver(String(i));
  assert.equal((await full.next()).done, false);
  const over = events(socket)[Symbol.asyncIterator]();
  for (let i = 0; i < 1025; i++) deliver(String(i));
  await assert.rejects(over.next(), /more than 1024 events pending/);
  socket.close();
});

test("a loop over a closed socket ends at once", async () => {
  const { net, socket, deliver } = await connected();
  socket.close();
  for await (const _ of events(socket)) assert.fail();
  const iterator = events(socket)[Symbol.asyncIterator]();
  socket.connect();
  await settle();
  net.last.welcome();
  deliver("after the end");
  assert.equal((await iterator.next()).done, true);
  socket.close();
});

for (const when of ["while the socket is open", "after the socket was closed"])
  test(`events for another identity that are pending are dropped (${when})`, async () => {
    let name = "ann";
    const { net, socket, deliver } = await connected({ identity: () => name });
    const iterator = events(socket)[Symbol.asyncIterator]();
    deliver("1 for ann");
    deliver("2 for ann");
    assert.deepEqual((await iterator.next()).value?.data, { text: "1 for ann" });
    const isOpen = when === "while the socket is open";
    if (!isOpen) socket.close();
    name = "bob";
    socket.connect();
    await settle();
    net.last.welcome();
    deliver("1 for bob");
    assert.deepEqual(await iterator.next(), {
      done: !isOpen,
      value: isOpen ? { event: "newMessage", data: { text: "1 for bob" } } : undefined,
    });
    socket.close();
  });
