import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Options, type WebSocketConstructor } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, FakeWebSocket, lifecycle, recorder, secret, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(startClock);

/** A server that does everything inside of `send` and `close`. */
class SynchronousServer extends FakeWebSocket {
  static made: SynchronousServer[] = [];
  static reply: (ws: SynchronousServer, frame: unknown[]) => void;

  constructor(url: string, protocols?: string[]) {
    super(url, protocols);
    SynchronousServer.made.push(this);
  }

  override send(text: string) {
    super.send(text);
    SynchronousServer.reply(this, JSON.parse(text));
  }

  override close(code?: number, reason?: string) {
    super.close(code, reason);
    this.end(code, reason);
  }
}

async function connected(reply: typeof SynchronousServer.reply, options: Options = {}) {
  SynchronousServer.made = [];
  SynchronousServer.reply = reply;
  const socket = connect<Chat>("ws://server/api/other", {
    WebSocket: SynchronousServer as unknown as WebSocketConstructor,
    jitter: 0,
    ...options,
  });
  const log = recorder();
  log.listen(socket, "newMessage", ...lifecycle);
  await settle();
  const server = SynchronousServer.made[0] as SynchronousServer;
  return { socket, log, server };
}

test("a call is answered inside of send", async () => {
  const { socket, server } = await connected((ws, [, , id]) => id && ws.frame("$ok", ["ada"], id));
  const queued = socket.call("joinRoom", { room: "a" });
  server.welcome();
  assert.deepEqual(await queued, ["ada"]);
  assert.deepEqual(await socket.call("joinRoom", { room: "b" }), ["ada"]);
  socket.close();
});

test("events that arrive inside of send are dispatched after connect, in their order", async () => {
  const { socket, log, server } = await connected((ws, [name, data]) => name === "label" && ws.frame("newMessage", data));
  socket.on("connect", () => socket.emit("label", "first"));
  socket.emit("label", "queued");
  socket.once("newMessage", () => socket.emit("label", "reply"));
  socket.on("newMessage", () => {});
  server.welcome();
  assert.deepEqual(log.entries.slice(1).map(([, data]) => data), ["first", "queued", "reply"]);
  assert.equal(log.names()[0], "connect");
});

test("a close inside of send keeps the frame in flight, and it arrives once", async () => {
  const { socket, log, server } = await connected((ws, [name]) => name === "touch" && ws.end(1006));
  server.welcome({ resume: secret() });
  assert.equal(socket.emit("touch"), true);
  assert.equal(socket.status, "reconnecting");
  SynchronousServer.reply = () => {};
  await advance(1000);
  const second = SynchronousServer.made[1] as SynchronousServer;
  second.welcome({ resume: secret(2), recovered: true, received: 0 });
  assert.deepEqual(second.sent.filter(([name]) => name === "touch").length, 1);
  assert.equal(log.of("disconnect").length, 1);
});

test("a pong inside of send answers the ping", async () => {
  const { socket, log, server } = await connected((ws, [name, n]) => name === "ping" && ws.frame("pong", n));
  server.welcome();
  await advance(100_000);
  assert.equal(server.sent.length, 3, "a ping after each silence");
  assert.deepEqual(log.names(), ["connect"]);
  socket.close();
});

test("a connection that ends inside of the ping leaves no timer", async () => {
  startClock();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const { socket, server } = await connected((ws) => ws.end(1006), { reconnect: false, heartbeatInterval: 1 });
  const ended = new Promise((done) => socket.on("disconnect", done));
  server.welcome({ heartbeat: 0 });
  await ended;
  await settle();
  assert.equal(timers(), before);
  stopClock();
});

test("a close event inside of close is one disconnect", async () => {
  const { socket, log, server } = await connected(() => {});
  server.welcome();
  socket.close();
  await advance(60_000);
  assert.equal(SynchronousServer.made.length, 1);
  assert.deepEqual(log.names(), ["connect", "disconnect"]);
});
