import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { fake, settle } from "./support/fake.js";

async function connected() {
  const net = fake();
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket, jitter: 0 });
  await settle();
  net.last.welcome();
  const say = (text: string) => net.last.frame("newMessage", { text });
  return { net, socket, say };
}

test("a loop gets all events in order, in bursts and one by one, and ends with the socket", async () => {
  const { net, socket, say } = await connected();
  const heard: unknown[] = [];
  const loop = (async () => {
    for await (const { event, data } of socket) {
      heard.push([event, data]);
      await settle();
    }
  })();
  say("1");
  say("2");
  await settle();
  net.last.frame("userJoined", { userId: "ada" });
  net.last.frame("$ack", 1);
  await settle();
  say("3");
  socket.close();
  say("late");
  await loop;
  assert.deepEqual(heard, [
    ["newMessage", { text: "1" }],
    ["newMessage", { text: "2" }],
    ["userJoined", { userId: "ada" }],
    ["newMessage", { text: "3" }],
  ]);
});

test("it goes on over a reconnect, and ends when the server refuses for good", async () => {
  const { net, socket, say } = await connected();
  const iterator = socket[Symbol.asyncIterator]();
  net.last.end(1012);
  socket.connect();
  await settle();
  net.last.welcome();
  say("again");
  assert.equal((await iterator.next()).done, false);
  const next = iterator.next();
  net.last.end(4500);
  assert.deepEqual(await next, { done: true, value: undefined });
});

test("several loops get each event; one that is left holds nothing", async () => {
  const { socket, say } = await connected();
  const counts = [0, 0];
  const loops = [1, 3].map(async (most, i) => {
    for await (const _ of socket) if (++counts[i]! >= most) break;
  });
  for (let i = 0; i < 5; i++) say(String(i));
  await Promise.all(loops);
  assert.deepEqual(counts, [1, 3]);
  for (let i = 0; i < 5000; i++) say("unheard");
  await settle();
  socket.close();
});

test("a loop that is left during its wait ends", async () => {
  const { socket, say } = await connected();
  const iterator = socket[Symbol.asyncIterator]();
  const next = iterator.next();
  await iterator.return?.();
  assert.equal((await next).done, true);
  say("late");
  assert.equal((await iterator.next()).done, true);
  socket.close();
});

test("several waits at once are answered in order", async () => {
  const { socket, say } = await connected();
  const iterator = socket[Symbol.asyncIterator]();
  const waits = [iterator.next(), iterator.next(), iterator.next()];
  say("1");
  say("2");
  await settle();
  say("3");
  const results = await Promise.all(waits);
  assert.deepEqual(
    results.map(({ value }) => (value?.data as { text: string }).text),
    ["1", "2", "3"],
  );
  socket.close();
});

test("what waits for a loop is bounded: past it the loop throws", async () => {
  const { socket, say } = await connected();
  const full = socket[Symbol.asyncIterator]();
  for (let i = 0; i < 1024; i++) say(String(i));
  assert.equal((await full.next()).done, false);
  const over = socket[Symbol.asyncIterator]();
  for (let i = 0; i < 1025; i++) say(String(i));
  await assert.rejects(over.next(), /too slow/);
  socket.close();
});

test("a loop over a closed socket ends at once", async () => {
  const { net, socket, say } = await connected();
  socket.close();
  for await (const _ of socket) assert.fail();
  const iterator = socket[Symbol.asyncIterator]();
  socket.connect();
  await settle();
  net.last.welcome();
  say("not for a loop that has ended");
  assert.equal((await iterator.next()).done, true);
  socket.close();
});
