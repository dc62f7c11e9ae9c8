import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";

import { Program, Server } from "../support/program";
import { Proxy } from "../support/proxy";
import { launch, Visitors, type Visitor, type VisitorOptions } from "../support/visitors";
import { connect, type Chat, type Options, type Socket } from "./api";
import { join, next } from "./events";
import { front } from "./front";

let server: Server;
let browser: Browser;
let visitors: Visitors;
/** Between the browser and the server. */
let proxy: Proxy;
let web: Awaited<ReturnType<typeof front>>;
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
  web = await front(outputFiles[0]!.text, () => proxy.port);
  // The guide says `localhost:3000`, wherever that is.
  browser = await launch({ args: [`--host-resolver-rules=MAP localhost:3000 127.0.0.1:${web.port}`] });
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
  await visitors.leave();
});
after(async () => {
  await browser?.close();
  web?.closeAllConnections();
  web?.close();
  proxy?.close();
  await server?.kill();
});

/** A client of ours beside the guide's. */
function other(options?: Options): Socket<Chat> {
  const socket = connect<Chat>(`ws://${server.address}/api/chat/wsChat`, { WebSocket, ...options });
  // Servers are killed here, with what was not confirmed.
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

test("the guide's client runs in Node", async () => {
  const listener = other();
  const me = await join(listener, "general");
  const said = next(listener, "newMessage");
  const client = node("client");
  try {
    const [, id] = await client.line(/^(\S+) joined general$/);
    await client.line(new RegExp(`^\\[general\\] ${id}: Hello!$`));
    const message = await said;
    assert.deepEqual([message.room, message.userId, message.text], ["general", id, "Hello!"]);
    assert.ok(Math.abs(Date.now() - message.timestamp) < 600_000);
    listener.emit("sendMessage", { room: "general", text: "Hi" });
    await client.line(/: Hi$/);
  } finally {
    await client.kill();
  }
  // The server's side of the guide: `disconnected`, with the id. Of a client that was killed it says so
  // when nobody has come back to the session.
  listener.close();
  await server.line(new RegExp(`^Client ${me} disconnected$`));
});

test("the guide's options: it hears of the cut and of the return", async () => {
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

test("without `reconnect` it stays closed", async () => {
  const socket = other({ reconnect: false });
  await join(socket, "general");
  const lost = new Promise<Record<string, unknown>>((resolve) => socket.on("disconnect", (data) => resolve({ ...data })));
  await server.kill();
  assert.deepEqual(await lost, { code: 1006, reason: "", willReconnect: false });
  assert.equal(socket.status, "closed");
  server = await server.restart();
});

test("after `maxReconnectAttempts` it gives up, until it is told to connect", async () => {
  const socket = other({ reconnectInterval: 10, maxReconnectAttempts: 3 });
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
  const back = new Promise<void>((resolve) => socket.once("reconnect", () => resolve()));
  socket.connect();
  await back;
  await join(socket, "general");
});

test("who is in both rooms hears once what is said to both", async () => {
  const both = other();
  const one = other();
  await join(both, "room-1");
  await join(both, "room-2");
  await join(one, "room-2");
  const heard: string[] = [];
  both.on("newMessage", ({ text }) => void heard.push(text));
  const goodbye = next(one, "newMessage");
  const ended = new Promise<void>((resolve) => both.once("disconnect", () => resolve()));
  server.signal("SIGINT");
  assert.equal((await goodbye).text, "Goodbye!");
  await ended;
  await server.ended();
  assert.deepEqual(heard, ["Goodbye!"]);
  server = await server.restart();
});

test("the guide's component joins, shows messages, changes room and comes back", async () => {
  const listener = other();
  const me = await join(listener, "general");
  const joined = next(listener, "userJoined", ({ userId }) => userId !== me);
  // When the server is killed, nobody can say what of it had arrived.
  const { page: chat, sockets } = await page("", { expected: /^Parlor: \{code: (connect|lost),/ });
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
  assert.equal(sockets.length, 1);

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
  const back = other();
  await join(back, "tea");
  // It enters again a moment after it is connected.
  const again = () => back.emit("sendMessage", { room: "tea", text: "three" });
  const timer = setInterval(again, 100);
  try {
    await shows(chat, "[tea] three");
  } finally {
    clearInterval(timer);
  }
});

test("a listener that goes with its effect hears once, under StrictMode and in every room", async () => {
  const listener = other();
  const me = await join(listener, "general");
  await join(listener, "tea");
  const first = next(listener, "userJoined", ({ userId }) => userId !== me);
  const { page: chat, sockets } = await page("#tidy", { expected: /^Parlor: \{code: connect,/ });
  const { userId } = await first;
  await shows(chat, "Connected");
  const entered = next(listener, "userJoined", (data) => data.userId === userId && data.room === "tea");
  await chat.getByRole("button", { name: "Go to tea" }).click();
  await entered;
  listener.emit("sendMessage", { room: "tea", text: "one" });
  listener.emit("sendMessage", { room: "tea", text: "two" });
  await shows(chat, "[tea] two");
  assert.deepEqual(await chat.getByRole("listitem").allTextContents(), ["[tea] one", "[tea] two"]);
  assert.equal(sockets.length, 1);

  // It has no listener then: what is said meanwhile comes when it has one again.
  const back = next(listener, "userJoined", (data) => data.userId === userId && data.room === "tea");
  const gone = chat.getByText("Connecting...", { exact: true }).waitFor();
  proxy.refuse();
  proxy.cut();
  await gone;
  const meanwhile = Array.from({ length: 100 }, (_, n) => `meanwhile ${n}`);
  const heard = next(listener, "newMessage", ({ text }) => text === meanwhile.at(-1));
  for (const text of meanwhile) listener.emit("sendMessage", { room: "tea", text });
  await heard;
  proxy.refuse(false);
  await back;
  listener.emit("sendMessage", { room: "tea", text: "after" });
  await shows(chat, "[tea] after");
  assert.deepEqual(
    await chat.getByRole("listitem").allTextContents(),
    ["one", "two", ...meanwhile, "after"].map((text) => `[tea] ${text}`),
  );
});
