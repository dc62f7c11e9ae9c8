import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { WebSocket } from "ws";

import { Server } from "../support/program";
import { Proxy } from "../support/proxy";
import { connect, type Chat, type Options, type Socket, type SocketError } from "./api";
import { join, next } from "./events";

let server: Server;
let proxy: Proxy;
const sockets: Socket<Chat>[] = [];

before(async () => {
  server = await Server.start("guide");
  proxy = await Proxy.to(server.port);
});
afterEach(() => {
  proxy.refuse(false);
  for (const socket of sockets.splice(0)) socket.close();
});
after(async () => {
  proxy?.close();
  await server?.kill();
});

/** Connects a client to the port, by default the proxy's, and records its events. */
function openClient(port = proxy.port, options?: Options) {
  const url = `ws://127.0.0.1:${port}/api/chat/wsChat`;
  const socket = connect<Chat>(url, { WebSocket, reconnectInterval: 10, ...options });
  sockets.push(socket);
  const reconnects: unknown[] = [];
  const errors: (string | undefined)[] = [];
  socket.on("reconnect", (opened) => reconnects.push(opened));
  socket.on("error", ({ code, event }: SocketError) => {
    if (code !== "connect") errors.push(`${code} ${event}`);
  });
  const received: string[] = [];
  socket.on("newMessage", ({ text }) => received.push(text));
  const reconnected = () => new Promise<void>((resolve) => socket.once("reconnect", () => resolve()));
  const disconnected = () => new Promise<void>((resolve) => socket.once("disconnect", () => resolve()));
  return { socket, reconnects, errors, received, reconnected, disconnected };
}

test("over a connection that is cut repeatedly, all messages arrive once and in order", async () => {
  const ada = openClient();
  const bob = openClient(server.port);
  const [id] = [await join(ada.socket, "room"), await join(bob.socket, "room")];
  const sent = { a: [] as string[], b: [] as string[] };
  const send = (from: "a" | "b", { socket }: typeof ada) => {
    const text = `${from} ${sent[from].length}`;
    assert.ok(socket.emit("sendMessage", { room: "room", text }));
    sent[from].push(text);
  };
  for (let cut = 0; cut < 8; cut++) {
    // Do not wait for replies: the cut must come while frames are in flight.
    for (let n = 0; n < 200; n++) {
      send("a", ada);
      send("b", bob);
      if (n % 40 === 39) await new Promise(setImmediate);
    }
    // Every second cut also loses frames of the server, unnoticed by either side.
    if (cut % 2) {
      proxy.discard("answers");
      const arrived = next(bob.socket, "newMessage", ({ text }) => text === sent.a.at(-1));
      send("a", ada);
      await arrived;
    }
    const [disconnected, reconnected] = [ada.disconnected(), ada.reconnected()];
    proxy.refuse();
    proxy.cut();
    await disconnected;
    for (let n = 0; n < 100; n++) send(n % 2 ? "a" : "b", n % 2 ? ada : bob);
    proxy.refuse(false);
    await reconnected;
  }
  const end = (socket: Socket<Chat>) => next(socket, "newMessage", ({ text }) => text === "b end");
  const ends = [end(ada.socket), end(bob.socket)];
  const last = next(bob.socket, "newMessage", ({ text }) => text === sent.a.at(-1));
  send("a", ada);
  await last;
  bob.socket.emit("sendMessage", { room: "room", text: "b end" });
  sent.b.push("b end");
  await Promise.all(ends);

  for (const { received } of [ada, bob])
    for (const from of ["a", "b"] as const)
      assert.deepEqual(received.filter((text) => text.startsWith(from)), sent[from]);
  assert.deepEqual(ada.reconnects, Array(8).fill({ recovered: true }));
  assert.deepEqual([ada.errors, bob.errors], [[], []]);

  // There was one session, which ends with the socket.
  ada.socket.close();
  await server.line(new RegExp(`^Client ${id} disconnected$`));
  assert.equal(server.lines.filter((line) => line.endsWith(" disconnected")).length, 1);
});

test("after a restart the session is new, and unconfirmed events are reported as lost", async () => {
  const ada = openClient();
  await join(ada.socket, "room");
  proxy.discard();
  ada.socket.emit("sendMessage", { room: "room", text: "in doubt" });
  const [disconnected, reconnected] = [ada.disconnected(), ada.reconnected()];
  proxy.refuse();
  proxy.cut();
  await disconnected;
  await server.kill();
  ada.socket.emit("joinRoom", { room: "room" });
  ada.socket.emit("sendMessage", { room: "room", text: "typed meanwhile" });
  assert.deepEqual(ada.errors, []);
  server = await server.restart();
  proxy.refuse(false);
  await reconnected;
  assert.deepEqual(ada.reconnects, [{ recovered: false, reason: "unknown" }]);
  // The server may not have confirmed `joinRoom` either.
  assert.deepEqual(ada.errors.filter((it) => it !== "lost joinRoom"), ["lost sendMessage"]);
  const end = next(ada.socket, "newMessage", ({ text }) => text === "end");
  ada.socket.emit("sendMessage", { room: "room", text: "end" });
  await end;
  assert.deepEqual(ada.received, ["typed meanwhile", "end"]);
});

test("a server that shuts down acknowledges all frames and sets the first wait", async () => {
  const ada = openClient(server.port, { maxReconnectInterval: 20 });
  await join(ada.socket, "room");
  const received = next(ada.socket, "newMessage");
  ada.socket.emit("sendMessage", { room: "room", text: "confirmed" });
  await received;
  let reason = "";
  ada.socket.once("disconnect", (lost) => ({ reason } = lost));
  const delay = new Promise<number>((resolve) => ada.socket.once("reconnecting", ({ delay }) => resolve(delay)));
  const reconnected = ada.reconnected();
  server.signal("SIGINT");
  const [, wait] = /^the server shuts down; retry in (\d+) ms$/.exec((await delay, reason)) ?? [];
  assert.equal(await delay, Math.min(Number(wait), 20));
  await server.ended();
  server = await server.restart();
  ada.socket.connect();
  await reconnected;
  assert.deepEqual(ada.reconnects, [{ recovered: false, reason: "ended" }]);
  assert.deepEqual(ada.errors, []);
});
