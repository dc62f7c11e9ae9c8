import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Lifecycle, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, lifecycle, recorder, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(() => {
  startClock();
  Reflect.deleteProperty(globalThis, "navigator");
});

async function dial(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/api/chat/wsChat", {
    WebSocket: net.WebSocket,
    jitter: 0,
    // The tests end each attempt themselves.
    connectTimeout: Infinity,
    ...options,
  });
  const log = recorder();
  log.listen(socket, ...lifecycle);
  await settle();
  return { net, socket, log };
}

/** Fails attempts until there are none left. Returns the waits before them. */
async function failAll({ net, log }: Awaited<ReturnType<typeof dial>>) {
  for (let made = 0; made !== net.made.length; ) {
    made = net.made.length;
    net.last.open("parlor.v1.json");
    net.last.end(1006);
    await advance(31_000);
  }
  return (log.of("reconnecting") as Lifecycle["reconnecting"][]).map(({ delay }) => delay);
}

test("waits double up to maxReconnectInterval, and attempts end after maxReconnectAttempts", async () => {
  const all = await dial({ maxReconnectAttempts: 10 });
  const waits = await failAll(all);
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30].map((s) => s * 1000));
  assert.equal(all.net.made.length, 11);
  assert.equal(all.socket.status, "closed");
  assert.deepEqual(all.log.of("reconnectFailed"), [{ attempts: 10, code: 1006, reason: "" }]);
  assert.deepEqual(
    (all.log.of("reconnecting") as Lifecycle["reconnecting"][]).map(({ attempt }) => attempt),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.deepEqual(all.log.of("disconnect"), [], "it was never connected");
});

test("reconnectInterval, maxReconnectInterval and maxReconnectAttempts set the waits", async () => {
  const all = await dial({ reconnectInterval: 100, maxReconnectInterval: 300, maxReconnectAttempts: 4 });
  assert.deepEqual(await failAll(all), [100, 200, 300, 300]);
});

test("an attempt starts exactly when its wait is over", async () => {
  const { net } = await dial();
  net.last.welcome();
  net.last.end(1006);
  await advance(900);
  assert.equal(net.made.length, 1);
  await advance(100);
  assert.equal(net.made.length, 2);
});

test("jitter shortens the wait by at most its share", async (t) => {
  const random = t.mock.method(Math, "random", () => 0);
  const wait = async (jitter: number | undefined, value: number) => {
    random.mock.mockImplementation(() => value);
    const { net, socket, log } = await dial(jitter === undefined ? { jitter: 1 } : { jitter });
    net.last.welcome();
    net.last.end(1006);
    socket.close();
    return (log.of("reconnecting")[0] as Lifecycle["reconnecting"]).delay;
  };
  assert.equal(await wait(1, 0), 1000);
  assert.equal(await wait(1, 0.75), 250);
  assert.ok((await wait(1, 0.9999999)) >= 0);
  assert.equal(await wait(0.5, 0.5), 750);
  assert.equal(await wait(0, 0.5), 1000);
});

test("jitter defaults to 1", async (t) => {
  t.mock.method(Math, "random", () => 0.75);
  const net = fake();
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket });
  const log = recorder();
  log.listen(socket, ...lifecycle);
  await settle();
  net.last.welcome();
  net.last.end(1006);
  assert.deepEqual(log.of("reconnecting"), [{ attempt: 1, delay: 250 }]);
});

test("the count of attempts restarts only after a connection of maxReconnectInterval", async () => {
  const { net, socket, log } = await dial({ maxReconnectAttempts: 2 });
  const attempts = () =>
    (log.of("reconnecting") as Lifecycle["reconnecting"][]).map(({ attempt }) => attempt);
  net.last.welcome();
  net.last.end(1006);
  await advance(1000);
  net.last.welcome();
  await advance(29_900);
  net.last.end(1006);
  assert.deepEqual(attempts(), [1, 2]);
  await advance(2000);
  net.last.welcome();
  await advance(30_000);
  net.last.end(1006);
  assert.deepEqual(attempts(), [1, 2, 1]);
  await advance(1000);
  net.last.welcome();
  net.last.end(1006);
  await advance(2000);
  net.last.welcome();
  net.last.end(1006);
  assert.equal(socket.status, "closed");
  assert.deepEqual(log.entries.slice(-2), [
    ["disconnect", { code: 1006, reason: "", cause: "gaveUp", willReconnect: false }],
    ["reconnectFailed", { attempts: 2, code: 1006, reason: "" }],
  ]);
});

test("after the last attempt each queued event is an error with the code closed", async () => {
  const all = await dial({ maxReconnectAttempts: 1 });
  all.socket.emit("joinRoom", { room: "general" });
  const call = all.socket.call("joinRoom", { room: "general" }, { timeout: Infinity });
  const rejected = assert.rejects(call, { code: "closed" });
  all.socket.emit("sendMessage", { room: "general", text: "Hello!" });
  await failAll(all);
  await rejected;
  const unsent = (all.log.of("error") as Lifecycle["error"][]).filter(({ code }) => code === "closed");
  assert.deepEqual(unsent.map(({ event }) => event), ["joinRoom", "sendMessage"]);
});

test("connect after reconnectFailed restarts the count of attempts", async () => {
  const all = await dial({ maxReconnectAttempts: 1 });
  await failAll(all);
  assert.equal(all.net.made.length, 2);
  all.socket.connect();
  await settle();
  await failAll(all);
  assert.equal(all.net.made.length, 4);
  assert.equal(all.log.of("reconnectFailed").length, 2);
});

test("with reconnect: false nothing is dialled again", async () => {
  const lost = await dial({ reconnect: false });
  lost.net.last.welcome();
  lost.net.last.end(1012);
  const failed = await dial({ reconnect: false });
  failed.net.last.open("parlor.v1.json");
  failed.net.last.end(1006);
  await advance(60_000);
  assert.deepEqual([lost.net.made.length, failed.net.made.length], [1, 1]);
  assert.deepEqual(lost.log.names(), ["connect", "disconnect"]);
  assert.deepEqual(lost.log.of("disconnect"), [{ code: 1012, reason: "", cause: "lost", willReconnect: false }]);
  assert.deepEqual(failed.log.names(), ["error"]);
  assert.equal(failed.socket.status, "closed");
});

test("final close codes end the socket, and all others reconnect", async () => {
  const final = [1000, 1008, 4500, 4501, 4502, 4503, 4504, 4505, 4777, 4999];
  const other = [1001, 1002, 1003, 1005, 1006, 1007, 1009, 1011, 1012, 1013, 3000, 4000, 4003, 4321, 4499];
  for (const code of [...final, ...other]) {
    const { net, log } = await dial();
    net.last.welcome();
    net.last.end(code, "why");
    const willReconnect = other.includes(code);
    assert.deepEqual(log.of("disconnect"), [{ code, reason: "why", cause: willReconnect ? "lost" : "rejected", willReconnect }]);
    await advance(1000);
    assert.equal(net.made.length, willReconnect ? 2 : 1, String(code));
  }
});

test("a final close code before the welcome closes the socket after one attempt", async () => {
  const { net, socket, log } = await dial();
  socket.emit("touch");
  const call = socket.call("clear");
  net.last.open("parlor.v1.json");
  net.last.end(4501, "not authenticated");
  await assert.rejects(call, { code: "closed" });
  await advance(60_000);
  assert.equal(net.made.length, 1);
  assert.equal(socket.status, "closed");
  assert.deepEqual(log.of("disconnect"), [
    { code: 4501, reason: "not authenticated", cause: "rejected", willReconnect: false },
  ]);
  assert.equal(log.of("reconnectFailed").length, 0);
  socket.connect();
  await settle();
  assert.equal(net.made.length, 2);
  net.last.welcome();
  assert.deepEqual(net.last.sent, [], "the queue was dropped");
});

test("without a WebSocket class the socket reports one error and closes", async () => {
  const socket = connect<Chat>("ws://server/chat");
  const log = recorder();
  log.listen(socket, ...lifecycle);
  await advance(60_000);
  assert.deepEqual(log.names(), ["error"]);
  assert.match((log.of("error")[0] as Lifecycle["error"]).message, /no WebSocket/);
  assert.equal(socket.status, "closed");
});

test("a connection that was lost without a close code, as in Deno, ends with 1006 and is resumed", async () => {
  const { net, socket, log } = await dial();
  net.last.welcome({ resume: "a".repeat(22) });
  net.last.end(0);
  assert.deepEqual(socket.lastClose, { code: 1006, reason: "", cause: "lost" });
  assert.equal((log.of("disconnect") as Lifecycle["disconnect"][])[0]?.code, 1006);
  await advance(1000);
  assert.match(String(net.last.protocols), /parlor\.resume\./);
  socket.close();
});
