import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, createClient, type Options, type Socket, type SocketError, type Target } from "../src/client.js";
import type { AppRouter, Chat } from "./support/contract.js";
import { advance, fake, lifecycle, recorder, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(() => {
  startClock();
  Reflect.deleteProperty(globalThis, "location");
});

const URL = "ws://server/api/chat/wsChat";

async function dial(options: Options = {}, target: Target = URL) {
  const net = fake();
  const socket = connect<Chat>(target, { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, "newMessage", ...lifecycle);
  await settle();
  return { net, socket, log };
}

const codes = (log: ReturnType<typeof recorder>) =>
  (log.of("error") as SocketError[]).map(({ code }) => code);

test("http becomes ws, and a relative URL is resolved against the page", async () => {
  const dialled = async (url: string) => (await dial({}, url)).net.last.url;
  assert.equal(await dialled("http://server/api/chat"), "ws://server/api/chat");
  assert.equal(await dialled("https://server:1234/api/chat?a=b"), "wss://server:1234/api/chat?a=b");
  assert.equal(await dialled("wss://server/chat"), "wss://server/chat");
  Object.assign(globalThis, { location: { href: "https://page.example/app/index.html?x#y" } });
  assert.equal(await dialled("/api/chat"), "wss://page.example/api/chat");
  assert.equal(await dialled("chat"), "wss://page.example/app/chat");
  assert.equal(await dialled("//other/chat"), "wss://other/chat");
});

test("a relative URL without a page fails the attempt with an error event", async () => {
  const { net, log, socket } = await dial({}, "/api/chat");
  assert.equal(net.made.length, 0);
  assert.deepEqual(codes(log), ["connect"]);
  assert.equal(socket.status, "reconnecting");
});

test("a client joins base URL and path, and passes its options to all sockets", async () => {
  const net = fake();
  for (const baseUrl of ["http://server/api", "http://server/api/", "ws://server/api//"]) {
    const client = createClient<AppRouter>({ baseUrl, WebSocket: net.WebSocket, auth: () => "a" });
    client.chat.wsChat.$ws();
    await settle();
    assert.equal(net.last.url, URL);
    assert.equal(net.last.protocols?.length, 2);
    client.chat.wsChat.$ws({ auth: () => null });
    await settle();
    assert.equal(net.last.protocols?.length, 1);
  }
});

test("a client is neither a promise nor iterable, and every name is a path", async () => {
  const client = createClient<any>({ baseUrl: "/api" }) as any;
  assert.equal(await client, client);
  assert.equal(client.chat.wsChat.$url, "/api/chat/wsChat");
  assert.equal(client.constructor.toString.hasOwnProperty.$url, "/api/constructor/toString/hasOwnProperty");
  assert.equal(client.chat[Symbol.iterator], undefined);
});

test("url and auth are called on each attempt, and the token is sent as a subprotocol", async () => {
  let n = 0;
  const { net } = await dial(
    { url: async (url) => `${url}?n=${++n}`, auth: async () => `token ${n}` },
    async () => "http://server/chat",
  );
  net.last.welcome();
  net.last.end(1012);
  await advance(1000);
  assert.deepEqual(
    net.made.map(({ url, protocols }) => [url, protocols]),
    [1, 2].map((n) => [
      `ws://server/chat?n=${n}`,
      ["parlor.v1.json", `parlor.bearer.${Buffer.from(`token ${n}`).toString("base64url")}`],
    ]),
  );
});

test("a token is sent as base64url of its UTF-8, without padding", async () => {
  for (const token of ["ä✓🎉", "a", "ab", "abc", "ÿÿÿ>>>???", "~".repeat(3000)]) {
    const { net } = await dial({ auth: () => token });
    const sent = net.last.protocols?.[1]?.replace("parlor.bearer.", "") ?? "";
    assert.match(sent, /^[\w-]+$/);
    assert.equal(Buffer.from(sent, "base64url").toString(), token);
  }
  for (const token of [null, undefined, ""])
    assert.deepEqual((await dial({ auth: () => token })).net.last.protocols, ["parlor.v1.json"]);
});

test("an attempt whose url, auth or target fails is followed by another", async () => {
  for (const name of ["url", "auth", "target"] as const) {
    let called = 0;
    const fail = () => {
      if (++called === 1) throw new Error("not now");
      return Promise.reject(new Error("nor now"));
    };
    const { net, log, socket } = await (name === "target" ? dial({}, fail) : dial({ [name]: fail }));
    assert.deepEqual(codes(log), ["connect"], name);
    assert.match((log.of("error")[0] as SocketError).message, /not now/);
    await advance(1000);
    assert.equal(called, 2);
    assert.match((log.of("error")[1] as SocketError).message, /nor now/);
    assert.equal(net.made.length, 0);
    assert.equal(socket.status, "reconnecting");
  }
});

test("an auth longer than connectTimeout fails the attempt, and its late result is ignored", async () => {
  const answers: ((token: string) => void)[] = [];
  const { net, log } = await dial({ auth: () => new Promise((resolve) => answers.push(resolve)) });
  await advance(9900);
  assert.deepEqual(log.names(), []);
  await advance(100);
  assert.deepEqual(log.names(), ["error", "reconnecting"]);
  answers[0]?.("late");
  await settle();
  assert.equal(net.made.length, 0);
});

test("a welcome later than connectTimeout fails the attempt", async () => {
  for (const open of [true, false]) {
    const { net, socket, log } = await dial({ connectTimeout: 3000 });
    const first = net.last;
    if (open) first.open("parlor.v1.json");
    await advance(2900);
    assert.equal(socket.status, "connecting");
    await advance(100);
    assert.ok(first.closed);
    assert.deepEqual(log.names(), ["error", "reconnecting"]);
    if (open) first.frame("$welcome", {});
    first.end(1006);
    assert.equal(socket.status, "reconnecting");
    await advance(1000);
    assert.equal(net.made.length, 2);
  }
});

test("after the welcome connectTimeout does not apply", async () => {
  const { net, socket } = await dial();
  net.last.welcome();
  await advance(20_000);
  assert.equal(socket.status, "connected");
});

test("a WebSocket whose constructor throws fails the attempt", async () => {
  const WebSocket = class {
    constructor() {
      throw new SyntaxError("bad URL");
    }
  } as never;
  const { log, socket } = await dial({ WebSocket });
  assert.deepEqual(codes(log), ["connect"]);
  assert.match((log.of("error")[0] as SocketError).message, /bad URL/);
  assert.equal(socket.status, "reconnecting");
});

test("messages before the welcome and a second welcome are skipped", async () => {
  const { net, socket, log } = await dial();
  net.last.open("parlor.v1.json");
  net.last.frame("newMessage", {});
  net.last.text("{");
  net.last.frame("$welcome", null);
  net.last.frame("$welcome", {});
  assert.equal(socket.status, "connected");
  assert.deepEqual(log.names(), ["connect"]);
});

test("a server that selects no subprotocol is used in plain mode", async () => {
  const { net, socket, log } = await dial();
  socket.emit("joinRoom", { room: "a" });
  net.last.open("");
  assert.equal(socket.status, "connected");
  assert.deepEqual(net.last.sent, [["joinRoom", { room: "a" }]]);
  net.last.frame("newMessage", { text: "x" });
  net.last.frame("$welcome", {});
  assert.deepEqual(log.entries, [
    ["connect", { recovered: false }],
    ["newMessage", { text: "x" }],
  ]);
});

test("a failed WebSocket is dialled once more without subprotocols in the same attempt", async () => {
  let called = 0;
  const { net, socket, log } = await dial({ auth: () => `token ${++called}` });
  net.last.end(1006);
  await settle();
  assert.deepEqual(net.made.map(({ protocols }) => protocols?.[0]), ["parlor.v1.json", undefined]);
  assert.equal(socket.status, "connecting");
  assert.deepEqual(log.entries, []);
  assert.equal(called, 1);
  net.last.open();
  assert.equal(socket.status, "connected");
  net.made[0]?.welcome();
  assert.deepEqual(log.names(), ["connect"], "the first WebSocket is ignored");
  net.last.end(1006);
  await advance(1000);
  assert.equal(net.last.protocols?.[0], "parlor.v1.json", "later attempts start in Parlor mode");
  net.last.end(1006);
  await settle();
  assert.equal(net.last.protocols, undefined);
  net.last.end(1006);
  await settle();
  assert.equal(net.made.length, 4, "once in each attempt");
  assert.equal(codes(log).length, 1);
});

test("after a welcome no attempt falls back to plain mode", async () => {
  const { net } = await dial();
  net.last.welcome();
  net.last.end(1012);
  await advance(1000);
  net.last.end(1006);
  await advance(2000);
  assert.equal(net.made.length, 3);
  assert.ok(net.made.every(({ protocols }) => protocols));
});

test("a server that accepted the subprotocol and closed is not dialled in plain mode", async () => {
  const { net } = await dial();
  net.last.open("parlor.v1.json");
  net.last.end(4003);
  await settle();
  assert.equal(net.made.length, 1);
});

test("connectTimeout covers both dials of an attempt, and close prevents the second", async () => {
  const slow = await dial();
  await advance(6000);
  slow.net.last.end(1006);
  await advance(4000);
  assert.equal(slow.socket.status, "reconnecting");
  const closed = await dial();
  closed.socket.close();
  closed.net.last.end(1006);
  await settle();
  assert.equal(closed.net.made.length, 1);
});

test("in plain mode calls reject with plain, queued ones too", async () => {
  const { net, socket } = await dial();
  const queued = socket.call("joinRoom", { room: "a" });
  socket.emit("touch");
  net.last.open();
  await assert.rejects(queued, { code: "plain" });
  await assert.rejects(socket.call("clear"), { code: "plain" });
  socket.emit("clear");
  socket.emit("search", undefined);
  assert.deepEqual(net.last.sent, [["touch", {}], ["clear", {}], ["search", {}]]);
});

test("a server that starts between the two dials is dialled in Parlor mode again", async () => {
  const { net, socket, log } = await dial();
  const call = socket.call("joinRoom", { room: "a" }, { timeout: Infinity });
  net.last.end(1006);
  await settle();
  net.last.end(1006);
  await advance(1000);
  net.last.end(1006);
  await settle();
  const plain = net.last;
  assert.equal(plain.protocols, undefined);
  plain.open();
  await settle();
  assert.ok(plain.closed);
  assert.deepEqual(plain.sent, []);
  assert.equal(net.last.protocols?.[0], "parlor.v1.json");
  assert.equal(net.unclosed.length, 1);
  net.last.welcome();
  net.last.frame("$ok", ["ada"], 1);
  assert.deepEqual(await call, ["ada"]);
  assert.deepEqual(log.names(), ["error", "reconnecting", "connect"]);
});

test("a server that starts later in plain mode is accepted after its second answer", async () => {
  const { net, socket, log } = await dial();
  net.last.open("parlor.v1.json");
  net.last.end(1006);
  await advance(1000);
  for (let i = 0; i < 2; i++) {
    net.last.end(1006);
    await settle();
    net.last.open();
    await settle();
  }
  assert.equal(socket.status, "connected");
  assert.equal(net.made.length, 5);
  net.last.end(1006);
  await advance(2000);
  net.last.end(1006);
  await settle();
  net.last.open();
  assert.equal(socket.status, "connected", "plain mode was verified");
  assert.deepEqual(log.of("reconnect").length, 1);
});

test("a url function that closes the socket prevents the dial", async () => {
  let stop = () => {};
  const { net, socket } = await dial({
    url: (url) => {
      stop();
      return url;
    },
  });
  net.last.welcome();
  stop = () => socket.close();
  net.last.end(1012);
  await advance(1000);
  assert.equal(socket.status, "closed");
  assert.equal(net.made.length, 1);
});

test("a target function can read its socket", async () => {
  const net = fake();
  const socket: Socket<Chat> = connect<Chat>((): string => `ws://server/${socket.status}`, { WebSocket: net.WebSocket });
  await settle();
  assert.equal(net.last.url, "ws://server/connecting");
  socket.close();
});

test("the error of a failed attempt names the URL without its query", async () => {
  const { net, log } = await dial({}, `${URL}?token=secret#secret`);
  net.last.open("parlor.v1.json");
  net.last.end(1006);
  const [{ message }] = log.of("error") as [SocketError];
  assert.match(message, /api\/chat\/wsChat: 1006/);
  assert.doesNotMatch(message, /secret/);
});
