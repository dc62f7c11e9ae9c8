import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";

import { WebSocket, WebSocketServer, type ServerOptions } from "ws";

import { createClient, type Lifecycle, type Options, type Socket } from "../src/client.js";
import type { AppRouter, Chat } from "./support/contract.js";

const servers: WebSocketServer[] = [];
const sockets: Socket<Chat>[] = [];
after(() => {
  for (const socket of sockets) socket.close();
  for (const server of servers) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

/** A server in Parlor mode for clients that offer it. Answers a call with its `room`. */
async function serve(options: ServerOptions = {}) {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    handleProtocols: (protocols) => (protocols.has("parlor.v1.json") ? "parlor.v1.json" : false),
    ...options,
  });
  servers.push(server);
  const received: unknown[][] = [];
  server.on("connection", (ws) => {
    if (ws.protocol)
      ws.send(JSON.stringify(["$welcome", { recovered: false, heartbeat: 25_000, maxMessage: 65_536 }]));
    ws.on("message", (text) => {
      const frame = JSON.parse(String(text));
      received.push(frame);
      server.emit("frame", frame);
      if (frame.length === 3) ws.send(JSON.stringify(["$ok", [frame[1].room], frame[2]]));
    });
  });
  await once(server, "listening");
  return { server, received, port: (server.address() as AddressInfo).port };
}

function dial(port: number, options: Options = {}) {
  const client = createClient<AppRouter>({ baseUrl: `http://127.0.0.1:${port}/api`, WebSocket });
  const socket = client.chat.wsChat.$ws({ reconnectInterval: 1, ...options });
  sockets.push(socket);
  const next = <E extends keyof Lifecycle>(event: E) =>
    new Promise<Lifecycle[E]>((resolve) => socket.once(event, (data) => resolve(data as Lifecycle[E])));
  return { socket, next };
}

test("an event and a call arrive over a real connection", async () => {
  const { received, port } = await serve();
  const { socket } = dial(port);
  socket.emit("joinRoom", { room: "früh" });
  assert.deepEqual(await socket.call("joinRoom", { room: "a" }), ["a"]);
  assert.deepEqual(received, [
    ["joinRoom", { room: "früh" }],
    ["joinRoom", { room: "a" }, 1],
  ]);
});

test("500 concurrent calls get their own answers", async () => {
  const { port } = await serve();
  const { socket } = dial(port, { bufferSize: 1000 });
  const rooms = Array.from({ length: 500 }, (_, i) => `r${i}`);
  const answers = await Promise.all(rooms.map((room) => socket.call("joinRoom", { room })));
  assert.deepEqual(answers, rooms.map((room) => [room]));
});

test("after a restart the client reconnects, and queued events arrive", async () => {
  const { server, received, port } = await serve();
  const { socket, next } = dial(port);
  await next("connect");
  const lost = next("disconnect");
  for (const ws of server.clients) ws.close(1012, "restart");
  assert.deepEqual(await lost, { code: 1012, reason: "restart", cause: "lost", willReconnect: true });
  socket.emit("touch");
  await next("reconnect");
  assert.deepEqual(await socket.call("joinRoom", { room: "a" }), ["a"]);
  assert.deepEqual(received[0], ["touch", {}]);
});

test("events emitted before close arrive, and the server gets the close code and reason", async () => {
  const { server, received, port } = await serve();
  const { socket, next } = dial(port);
  const [[ws]] = await Promise.all([once(server, "connection"), next("connect")]);
  const closed = once(ws as WebSocket, "close");
  socket.emit("touch");
  socket.close(4321, "enough");
  const [code, reason] = await closed;
  assert.deepEqual([code, String(reason)], [4321, "enough"]);
  assert.deepEqual(received, [["touch", {}]]);
});

test("a server that accepts and closes with 4501 is dialled once", async () => {
  let connections = 0;
  const { server, port } = await serve();
  server.prependListener("connection", (ws) => {
    connections++;
    ws.send = () => {};
    ws.close(4501, "not authenticated");
  });
  const { socket, next } = dial(port);
  socket.on("error", () => {});
  const { code, reason, willReconnect } = await next("disconnect");
  assert.deepEqual([code, reason, willReconnect], [4501, "not authenticated", false]);
  assert.equal(socket.status, "closed");
  assert.equal(connections, 1);
});

test("close during the handshake leaves no connection", async () => {
  const { server, port } = await serve();
  const { socket } = dial(port);
  await new Promise(setImmediate);
  socket.close();
  const { next } = dial(port);
  await next("connect");
  assert.equal(server.clients.size, 1);
});

test("a port without a listener fails all attempts, then reconnectFailed", async () => {
  const { server, port } = await serve();
  await new Promise((done) => server.close(done));
  const { socket, next } = dial(port, { maxReconnectAttempts: 2 });
  let errors = 0;
  socket.on("error", () => void errors++);
  assert.deepEqual(await next("reconnectFailed"), { attempts: 2, code: 1006, reason: "" });
  assert.equal(errors, 3);
});
