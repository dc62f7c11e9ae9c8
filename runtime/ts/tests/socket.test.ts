import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Options, type SocketError } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, lifecycle, recorder, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(startClock);

const URL = "ws://server/api/chat/wsChat";

function dial(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>(URL, { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, ...lifecycle);
  return { net, socket, log };
}

async function connected(options: Options = {}) {
  const all = dial(options);
  await settle();
  all.net.last.welcome();
  return all;
}

test("a new socket dials with the subprotocol, and is connected after the welcome", async () => {
  const { net, socket, log } = dial();
  assert.equal(socket.status, "connecting");
  assert.equal(socket.connected, false);
  await settle();
  assert.equal(net.last.url, URL);
  assert.deepEqual(net.last.protocols, ["parlor.v1.json"]);
  net.last.open("parlor.v1.json");
  assert.equal(socket.status, "connecting");
  net.last.frame("$welcome", {});
  assert.equal(socket.status, "connected");
  assert.equal(socket.connected, true);
  assert.deepEqual(log.entries, [["connect", { recovered: false }]]);
});

test("events queued before the first connection are sent after those of its handlers", async () => {
  const { net, socket } = dial();
  assert.equal(socket.emit("sendMessage", { room: "a", text: "1" }), true);
  assert.equal(socket.emit("sendMessage", { room: "a", text: "2" }), true);
  socket.on("connect", () => {
    socket.emit("joinRoom", { room: "a" });
    socket.emit("sendMessage", { room: "a", text: "0" });
  });
  await settle();
  assert.equal(net.last.sent.length, 0);
  net.last.welcome();
  socket.emit("sendMessage", { room: "a", text: "3" });
  assert.deepEqual(
    net.last.sent.map(([name, data]) => (data as { text?: string }).text ?? name),
    ["joinRoom", "0", "1", "2", "3"],
  );
});

test("on a reconnect, events of connect and reconnect handlers are sent before the queue", async () => {
  const { net, socket, log } = await connected();
  socket.on("connect", () => void socket.emit("joinRoom", { room: "connect" }));
  socket.on("reconnect", () => void socket.emit("joinRoom", { room: "reconnect" }));
  net.last.end(1012);
  socket.emit("joinRoom", { room: "kept" });
  await advance(1000);
  net.last.welcome();
  assert.deepEqual(
    net.last.sent.map(([, data]) => (data as { room: string }).room),
    ["connect", "reconnect", "kept"],
  );
  assert.deepEqual(log.of("reconnect"), [{ recovered: false, reason: "off" }]);
});

test("without a connection more than bufferSize frames fail with full", async () => {
  const { net, socket, log } = dial({ bufferSize: 2 });
  assert.equal(socket.emit("touch"), true);
  assert.equal(socket.emit("label", "x"), true);
  assert.equal(socket.emit("touch"), false);
  assert.deepEqual(log.of("error").map((e) => [(e as SocketError).code, (e as SocketError).event]), [
    ["full", "touch"],
  ]);
  await assert.rejects(socket.call("clear"), { name: "CallError", code: "full" });
  await settle();
  net.last.welcome();
  assert.deepEqual(net.last.sent, [["touch", {}], ["label", "x"]]);
});

test("emit fails with full while over 1 MiB is buffered in the WebSocket", async () => {
  const { net, socket, log } = await connected();
  net.last.bufferedAmount = 1 << 20;
  assert.equal(socket.emit("touch"), true);
  net.last.bufferedAmount++;
  assert.equal(socket.emit("touch"), false);
  assert.equal((log.of("error")[0] as SocketError).code, "full");
  assert.equal(net.last.sent.length, 1);
});

test("an event emitted while the WebSocket closes is queued", async () => {
  const { net, socket } = await connected();
  net.last.readyState = 2;
  assert.equal(socket.emit("touch"), true);
  assert.deepEqual(net.last.sent, []);
  net.last.end(1001);
  await advance(1000);
  net.last.welcome();
  assert.deepEqual(net.last.sent, [["touch", {}]]);
});

test("close sends its code, dispatches disconnect, and nothing is dialled again", async () => {
  const { net, socket, log } = await connected();
  socket.close(4321, "enough");
  assert.equal(socket.status, "closed");
  assert.deepEqual(net.last.closed, { code: 4321, reason: "enough" });
  assert.deepEqual(log.of("disconnect"), [{ code: 4321, reason: "enough", cause: "closed", willReconnect: false }]);
  net.last.frame("newMessage", {});
  net.last.end(1006);
  await advance(60_000);
  assert.equal(net.made.length, 1);
  assert.equal(log.of("disconnect").length, 1);
  socket.close();
  assert.equal(log.of("disconnect").length, 1);
  assert.equal(socket.emit("touch"), false);
  assert.equal((log.of("error")[0] as SocketError).code, "closed");
});

test("close while dialling dispatches nothing", async () => {
  const { net, socket, log } = dial();
  socket.emit("touch");
  await settle();
  socket.close();
  assert.ok(net.last.closed);
  net.last.welcome();
  net.last.open("");
  net.last.end();
  await advance(60_000);
  assert.equal(socket.status, "closed");
  assert.equal(net.made.length, 1);
  assert.deepEqual(net.last.sent, []);
  assert.deepEqual(log.entries, []);
});

test("close before the dial or during auth creates no WebSocket", async () => {
  const early = dial();
  early.socket.close();
  let answer = (_: string) => {};
  const late = dial({ identity: "ada", auth: () => new Promise((resolve) => (answer = resolve)) });
  await settle();
  late.socket.close();
  answer("token");
  await advance(60_000);
  assert.equal(early.net.made.length + late.net.made.length, 0);
  assert.deepEqual([...early.log.entries, ...late.log.entries], []);
});

test("a late auth of an earlier attempt does not affect the next one", async () => {
  const answers: ((token: string) => void)[] = [];
  const { net, socket } = dial({ identity: "ada", auth: () => new Promise((resolve) => answers.push(resolve)) });
  await settle();
  socket.close();
  socket.connect();
  await settle();
  answers[0]?.("old");
  await settle();
  assert.equal(net.made.length, 0);
  answers[1]?.("new");
  await settle();
  assert.equal(net.made.length, 1);
  assert.equal(net.last.protocols?.[1], `parlor.bearer.${Buffer.from("new").toString("base64url")}`);
});

test("close while waiting to reconnect prevents the attempt", async () => {
  const { net, socket, log } = await connected();
  net.last.end(1012);
  assert.equal(socket.status, "reconnecting");
  socket.close();
  await advance(60_000);
  assert.equal(socket.status, "closed");
  assert.equal(net.made.length, 1);
  assert.deepEqual(log.names(), ["connect", "disconnect", "reconnecting"]);
});

test("close in any handler closes the socket, with one disconnect", async () => {
  for (const event of ["connect", "newMessage", "disconnect", "reconnecting"] as const) {
    const { net, socket, log } = dial();
    socket.emit("touch");
    socket.on(event, () => socket.close());
    await settle();
    net.last.welcome();
    if (event === "connect") assert.deepEqual(net.last.sent, [], "the queue is dropped");
    net.last.frame("newMessage", {});
    if (!net.last.closed) net.last.end(1012);
    await advance(60_000);
    assert.equal(socket.status, "closed", event);
    assert.equal(net.made.length, 1, event);
    assert.equal(log.of("disconnect").length, 1, event);
    assert.equal(log.of("reconnecting").length, event === "reconnecting" ? 1 : 0, event);
  }
});

test("close in a status listener prevents reconnecting", async () => {
  const { net, socket, log } = await connected();
  socket.subscribe(() => socket.close());
  net.last.end(1012);
  await advance(60_000);
  assert.equal(net.made.length, 1);
  assert.deepEqual(log.of("disconnect"), [{ code: 1012, reason: "", cause: "lost", willReconnect: false }]);
  assert.equal(log.of("reconnecting").length, 0);
});

test("close in a status listener on connected prevents connect", async () => {
  const { net, socket, log } = dial();
  socket.subscribe(() => socket.close());
  await settle();
  net.last.welcome();
  assert.deepEqual(log.names(), ["disconnect"]);
});

test("a connect handler that closes and connects again sends nothing over the old connection", async () => {
  const { net, socket } = dial();
  socket.once("connect", () => {
    socket.close();
    socket.connect();
    socket.emit("touch");
  });
  await settle();
  net.last.welcome();
  await settle();
  net.last.welcome();
  assert.deepEqual(net.made.map(({ sent }) => sent.length), [0, 1]);
});

test("a closed socket has no timers, so Node can exit", async () => {
  startClock();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const { net, socket } = dial();
  const answered = socket.call("clear");
  await settle();
  net.last.welcome();
  net.last.frame("$ok", null, 1);
  await answered;
  socket.call("clear").catch(() => {});
  assert.ok(timers() > before);
  socket.close();
  assert.equal(timers(), before);
  stopClock();
});

test("connect after close dials once, and keeps the handlers", async () => {
  const { net, socket, log } = await connected();
  socket.connect();
  assert.equal(net.made.length, 1, "it is connected");
  socket.close();
  socket.connect();
  socket.connect();
  assert.equal(socket.status, "connecting");
  socket.emit("touch");
  await settle();
  net.last.welcome();
  assert.equal(net.made.length, 2);
  assert.deepEqual(net.last.sent, [["touch", {}]]);
  assert.deepEqual(log.names(), ["connect", "disconnect", "connect", "reconnect"]);
});

test("connect while waiting to reconnect dials at once", async () => {
  const { net, socket } = await connected();
  net.last.end(1012);
  socket.connect();
  await settle();
  assert.equal(net.made.length, 2);
  await advance(5000);
  assert.equal(net.made.length, 2);
});

test("close with a code or reason that browsers reject throws and changes nothing", async () => {
  const { net, socket } = await connected();
  for (const code of [0, 999, 1001, 1006, 2999, 5000])
    assert.throws(() => socket.close(code), RangeError, String(code));
  assert.throws(() => socket.close(1000, "ü".repeat(62)));
  assert.equal(socket.status, "connected");
  net.last.frame("newMessage", {});
  assert.equal(net.last.closed, undefined);
  socket.close(3000);
  assert.equal(socket.status, "closed");
});

test("on, once, off and the returned function work during a dispatch", async () => {
  const { net, socket } = await connected();
  const received: string[] = [];
  const second = () => void received.push("second");
  const third = () => void received.push("third");
  const offFirst = socket.on("newMessage", () => {
    received.push("first");
    offFirst();
    socket.off("newMessage", third);
    socket.on("newMessage", () => void received.push("new"));
  });
  socket.on("newMessage", second);
  socket.on("newMessage", third);
  socket.once("newMessage", () => void received.push("once"));
  net.last.frame("newMessage", {});
  assert.deepEqual(received.splice(0), ["first", "second", "once"]);
  net.last.frame("newMessage", {});
  assert.deepEqual(received.splice(0), ["second", "new"]);
  socket.off("newMessage");
  net.last.frame("newMessage", {});
  assert.deepEqual(received, []);
});

test("the function that on returns removes one registration, and off removes all", async () => {
  const { net, socket } = await connected();
  let calls = 0;
  const handler = () => void calls++;
  const off = socket.on("newMessage", handler);
  socket.on("newMessage", handler);
  off();
  off();
  net.last.frame("newMessage", {});
  assert.equal(calls, 1);
  socket.off("newMessage", handler);
  net.last.frame("newMessage", {});
  assert.equal(calls, 1);
});

test("a once handler that triggers its event again is called once", async () => {
  const { net, socket } = await connected();
  let calls = 0;
  socket.once("newMessage", () => {
    calls++;
    net.last.frame("newMessage", {});
  });
  net.last.frame("newMessage", {});
  assert.equal(calls, 1);
});

test("a handler that throws or rejects does not affect other handlers", async () => {
  const { net, socket, log } = await connected();
  const received: string[] = [];
  socket.on("newMessage", () => {
    throw new Error("oh");
  });
  socket.on("newMessage", async () => {
    throw new Error("late");
  });
  socket.on("newMessage", ({ text }) => void received.push(text));
  net.last.frame("newMessage", { text: "a" });
  net.last.frame("newMessage", { text: "b" });
  await settle();
  assert.deepEqual(received, ["a", "b"]);
  const errors = log.of("error") as SocketError[];
  assert.deepEqual(
    errors.map((error) => [error.code, error.event, (error.details as Error).message]),
    ["oh", "oh", "late", "late"].map((message) => ["handler", "newMessage", message]),
  );
});

test("a connect handler that throws does not prevent the queue from being sent", async () => {
  const { net, socket } = dial();
  socket.emit("touch");
  socket.on("connect", () => {
    throw new Error("oh");
  });
  await settle();
  net.last.welcome();
  assert.deepEqual(net.last.sent, [["touch", {}]]);
});

test("errors without a handler, and errors of error handlers, go to the console", async (t) => {
  const printed = t.mock.method(console, "error", () => {});
  const net = fake();
  const socket = connect<Chat>(URL, { WebSocket: net.WebSocket });
  await settle();
  net.last.welcome();
  net.last.text("{");
  assert.equal(printed.mock.callCount(), 1);

  let calls = 0;
  const throwing = socket.on("error", () => {
    calls++;
    throw new Error("oh");
  });
  net.last.text("{");
  assert.deepEqual([calls, printed.mock.callCount()], [1, 2]);
  throwing();

  const rejecting = socket.on("error", async () => {
    calls++;
    throw new Error("late");
  });
  net.last.text("{");
  await settle();
  assert.deepEqual([calls, printed.mock.callCount()], [2, 3]);
  rejecting();

  socket.close();
  socket.on("error", () => {
    calls++;
    socket.emit("touch");
  });
  socket.emit("touch");
  assert.deepEqual([calls, printed.mock.callCount()], [3, 4], "no endless loop");
  socket.emit("touch");
  assert.equal(calls, 4, "later errors are dispatched again");
});

test("status listeners are called on each change and each failed attempt, even if one throws", async () => {
  const { net, socket, log } = dial();
  const received: string[] = [];
  socket.subscribe(() => {
    throw new Error("oh");
  });
  const off = socket.subscribe(() => void received.push(socket.status));
  await settle();
  net.last.welcome();
  net.last.end(1012);
  await advance(1000);
  net.last.end(1006);
  await advance(2000);
  net.last.welcome();
  socket.close();
  off();
  socket.connect();
  assert.deepEqual(received, ["connected", "reconnecting", "reconnecting", "connected", "closed"]);
  assert.ok(log.of("error").some((error) => (error as SocketError).code === "handler"));
});

test("methods work when destructured from the socket", async () => {
  const { net, socket } = await connected();
  const { emit, on, close } = socket;
  const received: unknown[] = [];
  on("newMessage", (data) => void received.push(data));
  emit("touch");
  net.last.frame("newMessage", { text: "a" });
  close();
  assert.equal(received.length, 1);
  assert.equal(net.last.sent.length, 1);
});

test("Symbol.dispose closes a socket, and removes a handler", { skip: !("dispose" in Symbol) }, async () => {
  const { socket, log } = await connected();
  const dispose = (Symbol as unknown as { dispose: symbol }).dispose;
  const disposeOf = (target: object) => (target as Record<symbol, () => void>)[dispose]?.();
  let heard = 0;
  const off = socket.on("disconnect", () => heard++);
  disposeOf(off);
  disposeOf(socket);
  assert.equal(socket.status, "closed");
  assert.equal(heard, 0);
  assert.equal(log.of("disconnect").length, 1);
});
