import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Options, type SocketError, type Violation } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { fake, lifecycle, recorder, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(startClock);

async function dial(options: Options = {}, url = "ws://server/api/chat/wsChat") {
  const net = fake();
  const socket = connect<Chat>(url, { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, ...lifecycle);
  await settle();
  return { net, socket, log };
}

test("a message that is not [name, payload] is an error event and keeps the connection", async () => {
  const { net, socket, log } = await dial();
  net.last.welcome();
  const bad = ["", "{", "null", "7", '"x"', "{}", "[]", "[1,2]", "[null]", "[[]]", '{"0":"a"}'];
  for (const frame of bad) net.last.text(frame);
  net.last.text(new ArrayBuffer(8));
  net.last.text(Buffer.from('["newMessage",{}]'));
  const errors = log.of("error") as SocketError[];
  assert.equal(errors.length, bad.length + 2);
  assert.ok(errors.every(({ code }) => code === "undecodable"));
  assert.equal(socket.status, "connected");
});

test("unknown control events, pings and pongs reach no handler", async () => {
  const { net, log, socket } = await dial();
  net.last.welcome();
  const names = ["$ack", "$new", "$", "$status", "$event", "$welcome", "ping", "pong"];
  log.listen(socket, ...names);
  for (const name of names) {
    net.last.frame(name, 1);
    net.last.frame(name);
  }
  assert.deepEqual(log.names(), ["connect"]);
});

test("server events with names of lifecycle events reach no handler", async () => {
  const { net, log, socket } = await dial();
  net.last.welcome();
  log.entries.length = 0;
  for (const name of lifecycle) net.last.frame(name, { willReconnect: false });
  assert.deepEqual(log.entries, []);
  for (const name of ["connected", "pings", "reconnects", "anerror"]) {
    log.listen(socket, name);
    net.last.frame(name, 1);
  }
  assert.equal(log.entries.length, 4, "other names are events");
});

test("an $err without an id is an error event with the server's code", async () => {
  const { net, log } = await dial();
  net.last.welcome();
  const details = { path: "text", rule: "length", message: "length is lower than 1", min: 1 };
  net.last.frame("$err", { code: "invalid", message: "no", details });
  net.last.frame("$err", null);
  const [error] = log.of("error") as SocketError[];
  assert.deepEqual(
    { ...error },
    { code: "invalid", message: "no", event: undefined, details, close: undefined },
  );
  assert.equal(log.of("error").length, 2);
});

test("an event with a name of Object.prototype is an ordinary event", async () => {
  const { net, log, socket } = await dial();
  net.last.welcome();
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", ""];
  for (const name of names) net.last.frame(name, { a: 1 });
  log.listen(socket, ...names);
  net.last.text('["__proto__",{"__proto__":{"polluted":1}}]');
  for (const name of names.slice(1)) net.last.frame(name, 1);
  assert.deepEqual(log.names(), ["connect", ...names]);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
  for (const name of names)
    assert.equal(socket.emit(name as never, { constructor: "x" } as never), true);
});

test("a frame with more UTF-8 bytes than maxMessage is not sent", async () => {
  const { net, log, socket } = await dial({}, "ws://server/other");
  net.last.welcome({ maxMessage: 20 });
  assert.equal(socket.emit("label", ""), true);
  assert.equal(socket.emit("label", "ééééé"), false, "17 characters, 22 bytes");
  assert.deepEqual((log.of("error") as SocketError[]).map(({ code, event }) => [code, event]), [
    ["tooLarge", "label"],
  ]);
  await assert.rejects(socket.call("search", { text: "too large" }), { code: "tooLarge" });
  assert.deepEqual(net.last.sent, [["label", ""]]);
});

test("a frame with exactly maxMessage bytes is sent", async () => {
  const { net, socket } = await dial({}, "ws://server/other");
  net.last.welcome({ maxMessage: 20 });
  assert.equal(socket.emit("label", "éé1234"), true);
  assert.equal(Buffer.byteLength(JSON.stringify(net.last.sent[0])), 20);
  assert.equal(socket.emit("label", "éé12345"), false);
});

test("queued frames larger than maxMessage fail when the welcome arrives", async () => {
  const { net, log, socket } = await dial({}, "ws://server/other");
  assert.equal(socket.emit("label", "x".repeat(100)), true);
  assert.equal(socket.emit("touch"), true);
  const call = socket.call("search", { text: "x".repeat(100) });
  net.last.welcome({ maxMessage: 50 });
  await assert.rejects(call, { code: "tooLarge" });
  assert.deepEqual((log.of("error") as SocketError[]).map(({ code, event }) => [code, event]), [
    ["tooLarge", "label"],
  ]);
  assert.deepEqual(net.last.sent, [["touch", {}]]);
});

test("a number that JSON does not have is not sent, and the error has its path", async () => {
  const { net, socket, log } = await dial();
  net.last.welcome();
  const moved = { toJSON: () => [null], x: NaN };
  for (const [payload, path] of [
    [{ limit: NaN }, "limit"],
    [{ text: null, limits: [1, { max: -Infinity }] }, "limits[1].max"],
    [[null, [Infinity]], "[1][0]"],
    [NaN, ""],
  ] as const) {
    assert.equal(socket.emit("search", payload as never), false);
    const error = (log.of("error") as SocketError[]).at(-1);
    assert.equal(error?.code, "invalid");
    assert.equal((error?.details as Violation).path, path);
    assert.equal((error?.details as Violation).rule, "type");
    assert.equal(error?.message, `${path || "the payload"} is not finite`);
    await assert.rejects(socket.call("search", payload as never), { code: "invalid" });
  }
  assert.deepEqual(net.last.sent, []);
  // JSON has own enumerable properties only.
  const inherits = Object.create({ x: NaN }, { hidden: { value: NaN } }) as object;
  const fine = {
    text: null,
    zero: -0,
    large: 1e308,
    absent: undefined,
    list: [undefined],
    moved,
    inherits,
  };
  assert.equal(socket.emit("search", fine as never), true);
});

test("properties that a page adds to Object.prototype are not checked", async () => {
  const { net, socket } = await dial();
  net.last.welcome();
  const polluted = Object.prototype as { x?: number };
  polluted.x = NaN;
  Object.defineProperty(Array.prototype, "y", { value: NaN, enumerable: true, configurable: true });
  try {
    for (const payload of [{ text: null }, { list: [null] }, [null], null])
      assert.equal(socket.emit("search", payload as never), true);
  } finally {
    delete polluted.x;
    delete (Array.prototype as { y?: number }).y;
  }
});

test("a payload that cannot be JSON is an error with the code invalid", async () => {
  const { net, log, socket } = await dial();
  net.last.welcome();
  const circle: { self?: unknown } = {};
  circle.self = circle;
  assert.equal(socket.emit("search", circle as never), false);
  assert.equal(socket.emit("search", { limit: 1n } as never), false);
  assert.deepEqual((log.of("error") as SocketError[]).map(({ code }) => code), ["invalid", "invalid"]);
  await assert.rejects(socket.call("search", circle as never), { code: "invalid" });
});

test("a payload that breaks a rule is an error with its violation", async () => {
  const { net, log, socket } = await dial();
  const details = {
    path: "text",
    rule: "length",
    message: "breaks the rule length",
    min: 1,
    max: 1000,
  };
  assert.equal(socket.emit("sendMessage", { room: "a", text: "" }), false);
  net.last.welcome();
  assert.equal(socket.emit("sendMessage", { room: "a", text: "x".repeat(1001) }), false);
  assert.equal(socket.emit("sendMessage", { room: "a", text: "🎉".repeat(1000) }), true);
  assert.equal(socket.emit("label", "long"), false);
  assert.equal(socket.emit("joinRoom", { room: "a" }), true, "the rules of the longest path apply");
  const errors = log.of("error") as SocketError[];
  assert.deepEqual(
    errors.map(({ code, event, details }) => ({ code, event, details })),
    [
      { code: "invalid", event: "sendMessage", details },
      { code: "invalid", event: "sendMessage", details },
      {
        code: "invalid",
        event: "label",
        details: { path: "", rule: "length", message: "breaks the rule length", max: 3 },
      },
    ],
  );
  assert.match(errors[0]?.message ?? "", /^text /);
  assert.equal(net.last.sent.length, 2);
});

test("rules are found by the end of the URL's path, without query", async () => {
  for (const [url, found] of [
    ["ws://server/api/chat/wsChat?name=ada", true],
    ["https://server/v2/chat/wsChat?", true],
    ["ws://server/api/notchat/wsChat", false],
    ["ws://server/api/other?x=chat/wsChat", false],
  ] as const) {
    const { socket } = await dial({}, url);
    assert.equal(socket.emit("label", "long"), !found, url);
    socket.close();
  }
});

test("rules check the payload after toJSON", async () => {
  const { socket } = await dial();
  const text = { toJSON: () => "x" };
  assert.equal(socket.emit("sendMessage", { room: "a", text: text as never }), true);
  assert.equal(socket.emit("sendMessage", { room: "a", text: { toJSON: () => "" } as never }), false);
});

test("a WebSocket without bufferedAmount, as in React Native, sends", async () => {
  const { net, socket } = await dial();
  net.last.welcome();
  net.last.bufferedAmount = undefined as never;
  assert.equal(socket.emit("touch"), true);
  assert.deepEqual(net.last.sent, [["touch", {}]]);
});
