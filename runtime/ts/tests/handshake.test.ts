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

/** URLs that no WebSocket can have, outside of a page. */
const unusable = ["/api/chat", "localhost:3000/api/chat", "server/api", "ftp://server/a", "ws://server/a#b", "ws:a", ""];

test("connect throws for a URL without a scheme, with a fragment, or relative without a page", () => {
  const net = fake();
  for (const url of unusable)
    assert.throws(() => connect<Chat>(url, { WebSocket: net.WebSocket }), TypeError, url);
  const client = createClient<AppRouter>({ baseUrl: "localhost:3000/api", WebSocket: net.WebSocket });
  assert.throws(() => client.chat.wsChat.$ws(), /localhost:3000\/api\/chat\/wsChat/);
  Object.assign(globalThis, { location: { href: "https://page.example/app" } });
  for (const url of ["localhost:3000/api", "/api#b", "mailto:a"]) assert.throws(() => connect<Chat>(url), TypeError, url);
});

test("a function that returns such a URL closes the socket after one attempt", async () => {
  for (const url of unusable) {
    const { net, log, socket } = await dial({}, () => url);
    await advance(60_000);
    assert.equal(net.made.length, 0);
    assert.equal(socket.status, "closed");
    assert.equal(socket.lastClose?.cause, "misconfigured");
    assert.deepEqual(log.names(), ["error"]);
  }
});

test("an option that is undefined means the default, and keeps what the client was given", async () => {
  const net = fake();
  const client = createClient<AppRouter>({
    baseUrl: "ws://server/api",
    WebSocket: net.WebSocket,
    callTimeout: undefined,
    bufferSize: 1,
  });
  const socket = client.chat.wsChat.$ws({ WebSocket: undefined, bufferSize: undefined, reconnect: undefined });
  socket.on("error", () => {});
  assert.deepEqual([socket.emit("touch"), socket.emit("touch")], [true, false], "the client's bufferSize");
  await settle();
  net.last.end(1012);
  assert.equal(socket.status, "reconnecting");
  socket.close();
});

test("a client, a procedure and a part of a path have a text", () => {
  const client = createClient<AppRouter>({ baseUrl: "/api" });
  assert.equal(String(client), "Parlor /api");
  assert.equal(`${client.chat.wsChat}`, "Parlor /api/chat/wsChat");
});

test("a client joins base URL and path, and passes its options to all sockets", async () => {
  const net = fake();
  for (const baseUrl of ["http://server/api", "http://server/api/", "ws://server/api//"]) {
    const client = createClient<AppRouter>({ baseUrl, WebSocket: net.WebSocket, identity: "ada", auth: () => "a" });
    client.chat.wsChat.$ws();
    await settle();
    assert.equal(net.last.url, URL);
    assert.equal(net.last.protocols?.length, 2);
    client.chat.wsChat.$ws({ identity: "ada", auth: () => null });
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
    { url: async (url) => `${url}?n=${++n}`, identity: "ada", auth: async () => `token ${n}` },
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
    const { net } = await dial({ identity: "ada", auth: () => token });
    const sent = net.last.protocols?.[1]?.replace("parlor.bearer.", "") ?? "";
    assert.match(sent, /^[\w-]+$/);
    assert.equal(Buffer.from(sent, "base64url").toString(), token);
  }
  for (const token of [null, undefined, ""])
    assert.deepEqual((await dial({ identity: "ada", auth: () => token })).net.last.protocols, ["parlor.v1.json"]);
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
    assert.match((log.of("error")[0] as SocketError).message, /url or auth failed: Error$/);
    await advance(1000);
    assert.equal(called, 2);
    assert.doesNotMatch(JSON.stringify(log.entries), /now/, "what they throw may be secret");
    assert.equal(net.made.length, 0);
    assert.equal(socket.status, "reconnecting");
  }
});

test("an attempt whose auth is rejected without an error is followed by another", async () => {
  for (const cause of [undefined, null, "Bearer hunter2"]) {
    const { log, socket } = await dial({ identity: "ada", auth: () => Promise.reject(cause) });
    assert.deepEqual(codes(log), ["connect"]);
    assert.doesNotMatch(JSON.stringify(log.entries), /hunter2/);
    assert.equal(socket.status, "reconnecting");
  }
});

test("an auth longer than connectTimeout fails the attempt, and its late result is ignored", async () => {
  const answers: ((token: string) => void)[] = [];
  const { net, log } = await dial({ identity: "ada", auth: () => new Promise((resolve) => answers.push(resolve)) });
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

test("a WebSocket whose constructor throws closes the socket, and the message has no query", async () => {
  const WebSocket = class {
    constructor() {
      throw new SyntaxError("bad URL ws://a?token=secret and more");
    }
  } as never;
  const { log, socket } = await dial({ WebSocket });
  assert.deepEqual(codes(log), ["connect"]);
  assert.match((log.of("error")[0] as SocketError).message, /bad URL ws:\/\/a$/);
  assert.equal(socket.lastClose?.cause, "misconfigured");
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

test("a server that selects no subprotocol is no Parlor server, and the socket keeps trying", async () => {
  const { net, socket, log } = await dial();
  net.last.open("");
  assert.equal(socket.status, "reconnecting");
  assert.ok(net.last.closed);
  assert.match((log.of("error")[0] as SocketError).message, /not a Parlor server/);
  await advance(1000);
  net.last.welcome();
  assert.equal(socket.status, "connected");
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

test("the error of a failed attempt names the URL without its query and its password", async () => {
  const { net, log } = await dial({}, `${URL.replace("//", "//ann:secret@")}?token=secret`);
  net.last.open("parlor.v1.json");
  net.last.end(1006);
  const [{ message }] = log.of("error") as [SocketError];
  assert.match(message, /\/\/[^@]*api\/chat\/wsChat: 1006/);
  assert.doesNotMatch(message, /secret/);
});

test("the error of a URL that no WebSocket can have shows neither its query nor its password", () => {
  for (const url of ["ftp://ann:secret@server/x?token=secret", "wss://ann:secret@server/x#secret"])
    assert.throws(
      () => connect<Chat>(url, { WebSocket: fake().WebSocket }),
      ({ name, message }: Error) => name === "TypeError" && !/ann|secret/.test(message),
    );
});
