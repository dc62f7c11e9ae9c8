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

/** Someone in Node, at the port or behind the proxy, and what became of the connection. */
function someone(port = proxy.port, options?: Options) {
  const url = `ws://127.0.0.1:${port}/api/chat/wsChat`;
  const socket = connect<Chat>(url, { WebSocket, reconnectInterval: 10, ...options });
  sockets.push(socket);
  const returns: unknown[] = [];
  const lost: (string | undefined)[] = [];
  socket.on("reconnect", (opened) => returns.push(opened));
  socket.on("error", ({ code, event }: SocketError) => {
    if (code !== "connect") lost.push(`${code} ${event}`);
  });
  const heard: string[] = [];
  socket.on("newMessage", ({ text }) => heard.push(text));
  const back = () => new Promise<void>((resolve) => socket.once("reconnect", () => resolve()));
  const gone = () => new Promise<void>((resolve) => socket.once("disconnect", () => resolve()));
  return { socket, returns, lost, heard, back, gone };
}

test("a conversation over a connection that is cut again and again is whole", async () => {
  const ada = someone();
  const bob = someone(server.port);
  const [id] = [await join(ada.socket, "room"), await join(bob.socket, "room")];
  const said = { a: [] as string[], b: [] as string[] };
  const talk = (from: "a" | "b", { socket }: typeof ada) => {
    const text = `${from} ${said[from].length}`;
    assert.ok(socket.emit("sendMessage", { room: "room", text }));
    said[from].push(text);
  };
  for (let cut = 0; cut < 8; cut++) {
    // Nothing waits for anything: the cut comes in the middle of whatever is under way.
    for (let n = 0; n < 200; n++) {
      talk("a", ada);
      talk("b", bob);
      if (n % 40 === 39) await new Promise(setImmediate);
    }
    // Half of the cuts lose what the server says without either side knowing.
    if (cut % 2) {
      proxy.swallow("answers");
      const arrived = next(bob.socket, "newMessage", ({ text }) => text === said.a.at(-1));
      talk("a", ada);
      await arrived;
    }
    const [gone, back] = [ada.gone(), ada.back()];
    proxy.refuse();
    proxy.cut();
    await gone;
    for (let n = 0; n < 100; n++) talk(n % 2 ? "a" : "b", n % 2 ? ada : bob);
    proxy.refuse(false);
    await back;
  }
  const end = (socket: Socket<Chat>) => next(socket, "newMessage", ({ text }) => text === "b end");
  const ends = [end(ada.socket), end(bob.socket)];
  const last = next(bob.socket, "newMessage", ({ text }) => text === said.a.at(-1));
  talk("a", ada);
  await last;
  bob.socket.emit("sendMessage", { room: "room", text: "b end" });
  said.b.push("b end");
  await Promise.all(ends);

  for (const { heard } of [ada, bob])
    for (const from of ["a", "b"] as const)
      assert.deepEqual(heard.filter((text) => text.startsWith(from)), said[from]);
  assert.deepEqual(ada.returns, Array(8).fill({ recovered: true }));
  assert.deepEqual([ada.lost, bob.lost], [[], []]);

  // It was one session, which ends with the socket.
  ada.socket.close();
  await server.line(new RegExp(`^Client ${id} disconnected$`));
  assert.equal(server.lines.filter((line) => line.endsWith(" disconnected")).length, 1);
});

test("after a restart the session is new, and what was not confirmed is named", async () => {
  const ada = someone();
  await join(ada.socket, "room");
  proxy.swallow();
  ada.socket.emit("sendMessage", { room: "room", text: "in doubt" });
  const [gone, back] = [ada.gone(), ada.back()];
  proxy.refuse();
  proxy.cut();
  await gone;
  await server.kill();
  ada.socket.emit("joinRoom", { room: "room" });
  ada.socket.emit("sendMessage", { room: "room", text: "typed meanwhile" });
  assert.deepEqual(ada.lost, []);
  server = await server.restart();
  proxy.refuse(false);
  await back;
  assert.deepEqual(ada.returns, [{ recovered: false, reason: "unknown" }]);
  // Perhaps with the room that it had entered: the server may not have confirmed that either.
  assert.deepEqual(ada.lost.filter((it) => it !== "lost joinRoom"), ["lost sendMessage"]);
  const end = next(ada.socket, "newMessage", ({ text }) => text === "end");
  ada.socket.emit("sendMessage", { room: "room", text: "end" });
  await end;
  assert.deepEqual(ada.heard, ["typed meanwhile", "end"]);
});

test("a server that shuts down says what it has had, and when to come back", async () => {
  const ada = someone(server.port, { maxReconnectInterval: 20 });
  await join(ada.socket, "room");
  const heard = next(ada.socket, "newMessage");
  ada.socket.emit("sendMessage", { room: "room", text: "heard" });
  await heard;
  let reason = "";
  ada.socket.once("disconnect", (lost) => ({ reason } = lost));
  const delay = new Promise<number>((resolve) => ada.socket.once("reconnecting", ({ delay }) => resolve(delay)));
  const back = ada.back();
  server.signal("SIGINT");
  const [, wait] = /^the server shuts down; retry in (\d+) ms$/.exec((await delay, reason)) ?? [];
  assert.equal(await delay, Math.min(Number(wait), 20));
  await server.ended();
  server = await server.restart();
  ada.socket.connect();
  await back;
  assert.deepEqual(ada.returns, [{ recovered: false, reason: "ended" }]);
  assert.deepEqual(ada.lost, []);
});
