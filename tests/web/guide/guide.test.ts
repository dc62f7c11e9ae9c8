import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";

import { launch } from "../support/browsers";
import { dials } from "../support/connections";
import { Program, Server } from "../support/program";
import { Proxy } from "../support/proxy";
import { Visitors, type Visitor, type VisitorOptions } from "../support/visitors";
import { connect, type Chat, type Options, type Socket } from "./api";
import { join, next } from "./events";
import { serveScript } from "./webServer";

let server: Server;
let browser: Browser;
let visitors: Visitors;
/** The proxy between the browser and the server. */
let proxy: Proxy;
let web: Awaited<ReturnType<typeof serveScript>>;
const sockets: Socket<Chat>[] = [];

before(async () => {
  server = await Server.start("guide");
  proxy = await Proxy.to(server.port);
  const { outputFiles } = await build({
    entryPoints: ["guide/ChatRoom.tsx"],
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  web = await serveScript(outputFiles[0]!.text, () => proxy.port);
  // The guide's URL is `localhost:3000`.
  browser = await launch("chromium", { args: [`--host-resolver-rules=MAP localhost:3000 127.0.0.1:${web.port}`] });
  visitors = new Visitors(browser);
  await build({
    entryPoints: ["guide/node.ts", "guide/client.ts", "guide/options.ts"],
    outdir: "node_modules/.tests/guide",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
});
afterEach(async () => {
  proxy.refuse(false);
  for (const socket of sockets.splice(0)) socket.close();
  await visitors.close();
});
after(async () => {
  await browser?.close();
  web?.closeAllConnections();
  web?.close();
  proxy?.close();
  await server?.kill();
});

/** Connects another client beside the guide's. */
function openClient(options?: Options): Socket<Chat> {
  const socket = connect<Chat>(`ws://${server.address}/api/chat/wsChat`, { WebSocket, ...options });
  // Killed servers cause `lost` errors.
  socket.on("error", () => {});
  sockets.push(socket);
  return socket;
}

const node = (file: string) =>
  new Program(
    process.execPath,
    ["--import=./node_modules/.tests/guide/node.mjs", `node_modules/.tests/guide/${file}.mjs`],
    { GUIDE: server.address },
  );

const page = (hash = "", options?: VisitorOptions): Promise<Visitor> =>
  visitors.open(`http://localhost:3000/${hash}`, options);

const shows = (page: Page, text: string) => page.getByText(text, { exact: true }).first().waitFor();

test("the guide's client joins, sends and receives in Node", async () => {
  const listener = openClient();
  const me = await join(listener, "general");
  const message = next(listener, "newMessage");
  const client = node("client");
  try {
    const [, id] = await client.line(/^(\S+) joined general$/);
    await client.line(new RegExp(`^\\[general\\] ${id}: Hello!$`));
    const { room, userId, text, timestamp } = await message;
    assert.deepEqual([room, userId, text], ["general", id, "Hello!"]);
    assert.ok(Math.abs(Date.now() - timestamp) < 600_000);
    listener.emit("sendMessage", { room: "general", text: "Hi" });
    await client.line(/: Hi$/);
  } finally {
    await client.kill();
  }
  // The guide's server prints this in `disconnected`. For the killed client it would only do so after the
  // recovery window.
  listener.close();
  await server.line(new RegExp(`^Client ${me} disconnected$`));
});

test("the guide's options report disconnect and reconnect when the server restarts", async () => {
  const client = node("options");
  try {
    await client.line(/^open$/);
    await server.kill();
    await client.line(/^Disconnected$/);
    server = await server.restart();
    await client.line(/^Reconnected$/);
  } finally {
    await client.kill();
  }
});

test("with reconnect: false a lost socket stays closed", async () => {
  const socket = openClient({ reconnect: false });
  await join(socket, "general");
  const lost = new Promise<Record<string, unknown>>((resolve) => socket.on("disconnect", (data) => resolve({ ...data })));
  await server.kill();
  assert.deepEqual(await lost, { code: 1006, reason: "", cause: "lost", willReconnect: false });
  assert.equal(socket.status, "closed");
  server = await server.restart();
});

test("after maxReconnectAttempts the socket is closed until connect", async () => {
  const socket = openClient({ reconnectInterval: 10, maxReconnectAttempts: 3 });
  const delays: number[] = [];
  socket.on("reconnecting", ({ attempt, delay }) => {
    delays[attempt] = delay;
  });
  await join(socket, "general");
  const failed = new Promise<number>((resolve) => socket.on("reconnectFailed", ({ attempts }) => resolve(attempts)));
  await server.kill();
  assert.equal(await failed, 3);
  for (const [attempt, bound] of [10, 20, 40].entries())
    assert.ok(delays[attempt + 1]! >= 0 && delays[attempt + 1]! <= bound, String(delays));
  server = await server.restart();
  const reconnected = new Promise<void>((resolve) => socket.once("reconnect", () => resolve()));
  socket.connect();
  await reconnected;
  await join(socket, "general");
});

test("a socket in two rooms gets a message to both once", async () => {
  const both = openClient();
  const one = openClient();
  await join(both, "room-1");
  await join(both, "room-2");
  await join(one, "room-2");
  const received: string[] = [];
  both.on("newMessage", ({ text }) => void received.push(text));
  const shutdownMessage = next(one, "newMessage");
  const ended = new Promise<void>((resolve) => both.once("disconnect", () => resolve()));
  server.signal("SIGINT");
  assert.equal((await shutdownMessage).text, "The server closes.");
  await ended;
  await server.ended();
  assert.deepEqual(received, ["The server closes."]);
  server = await server.restart();
});

test("the guide's component joins, shows messages, changes its room and reconnects", async () => {
  const listener = openClient();
  const me = await join(listener, "general");
  const joined = next(listener, "userJoined", ({ userId }) => userId !== me);
  // Killing the server causes `lost` errors.
  const visitor = await page("", { expected: /^Parlor: \{code: (connect|lost),/ });
  const chat = visitor.page;
  await shows(chat, "Connected");
  const { userId } = await joined;
  listener.emit("sendMessage", { room: "general", text: "one" });
  await shows(chat, "[general] one");

  await join(listener, "tea");
  const left = next(listener, "userLeft", (data) => data.userId === userId);
  const entered = next(listener, "userJoined", (data) => data.userId === userId);
  await chat.getByRole("button", { name: "Go to tea" }).click();
  assert.deepEqual([(await left).room, (await entered).room], ["general", "tea"]);
  listener.emit("sendMessage", { room: "general", text: "not here" });
  listener.emit("sendMessage", { room: "tea", text: "two" });
  await shows(chat, "[tea] two");
  assert.equal(await chat.getByText("not here").count(), 0);
  assert.equal(await dials(visitor), 1);

  proxy.refuse();
  proxy.cut();
  await shows(chat, "Connecting...");
  listener.emit("sendMessage", { room: "tea", text: "meanwhile" });
  proxy.refuse(false);
  await shows(chat, "[tea] meanwhile");

  await server.kill();
  await shows(chat, "Connecting...");
  server = await server.restart();
  await shows(chat, "Connected");
  const later = openClient();
  await join(later, "tea");
  // The component joins the room shortly after it is connected.
  const again = () => later.emit("sendMessage", { room: "tea", text: "three" });
  const timer = setInterval(again, 100);
  try {
    await shows(chat, "[tea] three");
  } finally {
    clearInterval(timer);
  }
});

test("a handler that its effect removes gets each message once, under StrictMode and in every room", async () => {
  const listener = openClient();
  const me = await join(listener, "general");
  await join(listener, "tea");
  const first = next(listener, "userJoined", ({ userId }) => userId !== me);
  const visitor = await page("#tidy", { expected: /^Parlor: \{code: connect,/ });
  const chat = visitor.page;
  const { userId } = await first;
  await shows(chat, "Connected");
  const entered = next(listener, "userJoined", (data) => data.userId === userId && data.room === "tea");
  await chat.getByRole("button", { name: "Go to tea" }).click();
  await entered;
  listener.emit("sendMessage", { room: "tea", text: "one" });
  listener.emit("sendMessage", { room: "tea", text: "two" });
  await shows(chat, "[tea] two");
  assert.deepEqual(await chat.getByRole("listitem").allTextContents(), ["[tea] one", "[tea] two"]);
  assert.equal(await dials(visitor), 1);

  // The component has no handler while disconnected: these messages arrive when it has one again.
  const back = next(listener, "userJoined", (data) => data.userId === userId && data.room === "tea");
  const disconnected = chat.getByText("Connecting...", { exact: true }).waitFor();
  proxy.refuse();
  proxy.cut();
  await disconnected;
  const meanwhile = Array.from({ length: 100 }, (_, n) => `meanwhile ${n}`);
  const lastArrived = next(listener, "newMessage", ({ text }) => text === meanwhile.at(-1));
  for (const text of meanwhile) listener.emit("sendMessage", { room: "tea", text });
  await lastArrived;
  proxy.refuse(false);
  await back;
  listener.emit("sendMessage", { room: "tea", text: "after" });
  await shows(chat, "[tea] after");
  assert.deepEqual(
    await chat.getByRole("listitem").allTextContents(),
    ["one", "two", ...meanwhile, "after"].map((text) => `[tea] ${text}`),
  );
});
