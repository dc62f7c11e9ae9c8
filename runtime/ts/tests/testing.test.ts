import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { CallError, connect, createClient, type SocketError } from "../src/client.js";
import { fakeRouter, fakeServer, fakeSocket, type FakeSocketOptions } from "../src/testing.js";
import type { AppRouter, Auction, Chat } from "./support/contract.js";
import { advance, lifecycle, recorder, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

// No test of this file moves the clock unless it says so.
beforeEach(stopClock);
afterEach(startClock);

const client = createClient<AppRouter>({ baseUrl: "/api" }).chat.wsChat;
const message = (text: string) => ({ room: "a", text, userId: "ann", timestamp: 1 });

async function connected(options: Partial<FakeSocketOptions<Chat>> = {}) {
  const fake = fakeSocket<Chat>({ client, jitter: 0, ...options } as FakeSocketOptions<Chat>);
  const log = recorder();
  log.listen(fake.socket, "newMessage", ...lifecycle);
  await fake.connected;
  log.entries.length = 0;
  return { ...fake, log };
}
type Fake = Awaited<ReturnType<typeof connected>>;

const errors = ({ log }: Fake) =>
  (log.of("error") as SocketError[]).map(({ code, event }) => `${code} ${event}`);
const texts = ({ log }: Fake) => log.of("newMessage").map((data) => (data as { text: string }).text);

test("a fake socket connects without a timer, and sends what was queued", async () => {
  const { socket, server, connected } = fakeSocket<Chat>({ client });
  socket.emit("joinRoom", { room: "a" });
  assert.deepEqual([socket.status, server.received], ["connecting", []]);
  await connected;
  assert.equal(socket.status, "connected");
  assert.deepEqual(server.received, [{ event: "joinRoom", data: { room: "a" } }]);
});

test("a handler has run when emit of the server returns, with the payload as JSON", async () => {
  const { server, log } = await connected();
  server.emit("topic", { text: undefined as never });
  server.emit("newMessage", message("1"));
  assert.deepEqual(log.entries, [["newMessage", message("1")]]);
});

test("emit of a server without sessions throws", () => {
  assert.throws(() => fakeServer<Chat>().emit("topic", { text: "x" }), /no session gets topic: await server\.connected/);
});

test("a call resolves with the answer of its handler, whether it is a value or a promise", async () => {
  const { socket, server } = await connected();
  server.onCall("joinRoom", ({ room }) => [room]);
  server.onCall("search", async ({ text }) => [String(text)]);
  server.onCall("clear", () => {});
  const calls = [socket.call("joinRoom", { room: "a" }), socket.call("search", { text: "b" }), socket.call("clear")];
  assert.deepEqual(await Promise.all(calls), [["a"], ["b"], null]);
});

test("a refusal that is returned or thrown rejects the call with its typed error", async () => {
  const { socket, server, log } = await connected();
  const details = { error: "noEntry", message: "full" } as const;
  const rejected = { name: "CallError", code: "refused", message: "the call was refused", details };
  server.onCall("joinRoom", () => server.refuse(details));
  await assert.rejects(socket.call("joinRoom", { room: "a" }), rejected);
  server.onCall("joinRoom", async () => {
    throw server.refuse(details);
  });
  await assert.rejects(socket.call("joinRoom", { room: "a" }), rejected);
  socket.emit("joinRoom", { room: "a" });
  await settle();
  assert.deepEqual(log.entries, [], "the refusal of an emitted call is dropped");
});

test("a CallError that a handler throws rejects the call, or is an error event", async () => {
  const fake = await connected();
  const { socket, server } = fake;
  server.onCall("clear", () => {
    throw new CallError("limited", "too many");
  });
  server.on("touch", () => {
    throw new CallError("denied", "not you");
  });
  await assert.rejects(socket.call("clear"), { code: "limited", message: "too many" });
  socket.emit("touch");
  await settle();
  const [error] = fake.log.of("error") as SocketError[];
  assert.deepEqual([error?.code, error?.message], ["denied", "not you"]);
});

test("a call without a handler rejects, and names the missing onCall", async () => {
  const { socket, server } = await connected();
  const missing = { code: "unknown", message: 'the test has no server.onCall("clear", ..)' };
  await assert.rejects(socket.call("clear"), missing);
  const off = server.onCall("clear", () => null);
  off();
  await assert.rejects(socket.call("clear"), missing);
});

test("another error of a handler is an unhandled rejection, and ends the session as a panic", async () => {
  const fake = await connected();
  fake.server.onCall("clear", () => {
    throw new TypeError("wrong");
  });
  const runners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  const unhandled = new Promise((resolve) => process.once("unhandledRejection", resolve));
  await assert.rejects(fake.socket.call("clear"), { code: "panicked", message: "TypeError: wrong" });
  assert.deepEqual(await unhandled, new TypeError("wrong"));
  for (const runner of runners) process.on("unhandledRejection", runner);
  assert.deepEqual(fake.log.names(), ["disconnect", "reconnecting"]);
});

test("the socket checks the rules of the contract, and the server receives nothing", async () => {
  const fake = await connected();
  assert.equal(fake.socket.emit("sendMessage", { room: "a", text: "" }), false);
  assert.deepEqual(errors(fake), ["invalid sendMessage"]);
  await assert.rejects(fake.socket.call("clear", { x: NaN } as never), { code: "invalid" });
  assert.deepEqual(fake.server.received, []);
});

test("without a client or URL, rules and several procedures are an error", () => {
  assert.throws(() => fakeSocket<Chat>(), /whose rules to check \(chat\/wsChat, wsChat\): set client/);
});

test("next waits for an event or returns an earlier one, each once and in order", async () => {
  const { socket, server } = await connected();
  socket.emit("sendMessage", { room: "a", text: "1" });
  socket.emit("touch");
  socket.emit("sendMessage", { room: "a", text: "2" });
  const seen = [await server.next("sendMessage"), await server.next("sendMessage")];
  const third = server.next("sendMessage");
  socket.emit("sendMessage", { room: "a", text: "3" });
  assert.deepEqual([...seen, await third].map(({ text }) => text), ["1", "2", "3"]);
  assert.deepEqual(await server.next("touch"), {});
});

test("an event handler of the server runs after send, and may emit", async () => {
  const fake = await connected();
  const { socket, server } = fake;
  const off = server.on("sendMessage", ({ text }, session) => session.emit("newMessage", message(text)));
  socket.emit("sendMessage", { room: "a", text: "1" });
  assert.deepEqual(texts(fake), []);
  await server.next("sendMessage");
  assert.deepEqual(texts(fake), ["1"]);
  off();
  socket.emit("sendMessage", { room: "a", text: "2" });
  await settle();
  assert.deepEqual(texts(fake), ["1"]);
});

test("after a cut the session is recovered: what both sides sent arrives once, and calls get their answers", async () => {
  const fake = await connected();
  const { socket, server, log } = fake;
  let answer = (_: string[]) => {};
  server.onCall("joinRoom", () => new Promise<string[]>((resolve) => (answer = resolve)));
  const call = socket.call("joinRoom", { room: "a" });
  await server.next("joinRoom");
  server.cut();
  assert.equal(socket.status, "reconnecting");
  server.emit("newMessage", message("missed"));
  socket.emit("sendMessage", { room: "a", text: "queued" });
  assert.deepEqual(log.names(), ["disconnect", "reconnecting"]);
  server.restore();
  await fake.server.connected;
  assert.deepEqual(log.names().slice(2), ["connect", "reconnect", "newMessage"]);
  assert.deepEqual(log.of("connect"), [{ recovered: true }]);
  assert.deepEqual(await server.next("sendMessage"), { room: "a", text: "queued" });
  answer(["ann"]);
  assert.deepEqual(await call, ["ann"]);
  assert.equal(server.received.length, 2);
});

test("after a cut the session is not recovered: unconfirmed events are lost, calls reject, the queue is sent", async () => {
  const fake = await connected();
  const { socket, server, log } = fake;
  server.onCall("clear", () => new Promise<null>(() => {}));
  const call = assert.rejects(socket.call("clear"), { code: "disconnected" });
  socket.emit("touch");
  server.cut();
  server.emit("newMessage", message("dropped"));
  socket.emit("label", "x");
  server.restore({ recovered: false, reason: "expired" });
  await server.connected;
  await call;
  assert.deepEqual(log.of("connect"), [{ recovered: false, reason: "expired" }]);
  assert.deepEqual(errors(fake), ["lost touch"]);
  assert.deepEqual(texts(fake), []);
  assert.deepEqual(await server.next("label"), "x");
  assert.equal(server.sessions.length, 1);
});

test("without a reason, a session that is not recovered is unknown, as after a restart", async () => {
  const { server, log } = await connected();
  server.cut();
  server.restore({ recovered: false });
  await server.connected;
  assert.deepEqual(log.of("connect"), [{ recovered: false, reason: "unknown" }]);
});

test("what the server has confirmed is not lost with the session", async () => {
  const fake = await connected();
  fake.socket.emit("touch");
  fake.server.confirm();
  fake.socket.emit("label", "x");
  fake.server.cut();
  fake.server.restore({ recovered: false });
  await fake.server.connected;
  assert.deepEqual(errors(fake), ["lost label"]);
});

test("the server confirms after 128 frames, and before it closes a connection", async () => {
  const fake = await connected();
  const { socket, server } = fake;
  for (let i = 0; i < 130; i++) socket.emit("touch");
  server.cut();
  server.restore({ recovered: false });
  await server.connected;
  assert.deepEqual(errors(fake), ["lost touch", "lost touch"]);
  socket.emit("label", "x");
  server.close(1012);
  server.restore();
  await server.connected;
  assert.equal(errors(fake).length, 2);
});

test("what a connect handler makes the server send arrives after what was missed, once", async () => {
  const fake = await connected();
  fake.server.cut();
  fake.server.emit("newMessage", message("missed"));
  fake.socket.once("connect", () => fake.server.emit("newMessage", message("new")));
  fake.server.restore();
  await fake.server.connected;
  assert.deepEqual(texts(fake), ["missed", "new"]);
});

test("attempts fail while the connection is cut; the socket waits as in production", async () => {
  const { socket, server, log } = await connected();
  server.cut();
  await advance(10_000);
  assert.deepEqual(
    log.of("reconnecting").map((data) => (data as { delay: number }).delay),
    [1000, 2000, 4000, 8000],
  );
  server.restore();
  await server.connected;
  assert.equal(socket.status, "connected");
});

test("frames that a silent cut has lost are replayed after the heartbeat has noticed it", async () => {
  const fake = await connected();
  const { socket, server, log } = fake;
  server.cut({ silent: true });
  socket.emit("label", "x");
  server.emit("newMessage", message("1"));
  assert.deepEqual([socket.status, server.received, texts(fake)], ["connected", [], []]);
  await advance(40_000);
  assert.equal((log.of("disconnect")[0] as { code: number }).code, 4001);
  server.restore();
  await server.connected;
  assert.deepEqual(await server.next("label"), "x");
  assert.deepEqual(texts(fake), ["1"]);
});

test("restore ends a silent cut that no side has noticed", async () => {
  const fake = await connected();
  fake.server.cut({ silent: true });
  fake.socket.emit("label", "x");
  fake.server.restore();
  await fake.server.connected;
  assert.deepEqual(await fake.server.next("label"), "x");
  assert.deepEqual(fake.log.of("connect"), [{ recovered: true }]);
});

test("the heartbeat of an idle socket is answered, and confirms what was received", async () => {
  const fake = await connected();
  fake.socket.emit("touch");
  await advance(120_000);
  assert.deepEqual(fake.log.entries, []);
  fake.server.cut();
  fake.server.restore({ recovered: false });
  await fake.server.connected;
  assert.deepEqual(errors(fake), [], "the event was confirmed");
});

test("a final close code closes the socket; others lose the connection, with or without the session", async () => {
  const final = await connected();
  final.server.close(4501, "token expired");
  assert.equal(final.socket.status, "closed");
  assert.deepEqual(final.log.of("disconnect"), [{ code: 4501, reason: "token expired", cause: "rejected", willReconnect: false }]);
  assert.deepEqual(final.server.sessions, []);
  for (const [code, opened] of [
    [1001, { recovered: true }],
    [1012, { recovered: false, reason: "ended" }],
  ] as const) {
    const fake = await connected();
    fake.server.close(code);
    fake.server.restore();
    await fake.server.connected;
    assert.deepEqual(fake.log.of("connect"), [opened]);
  }
});

test("reject rejects the next attempts, as often as it says", async () => {
  const { socket, server, log } = await connected();
  server.reject(4003, "starting", 2);
  server.close(1001);
  await advance(7000);
  assert.deepEqual(log.names(), [
    ...["disconnect", "reconnecting", "error", "reconnecting", "error", "reconnecting", "connect", "reconnect"],
  ]);
  assert.equal(socket.status, "connected");
  assert.throws(() => server.reject(1011), RangeError);
});

test("onAttempt gets URL and token of each attempt, and may reject it", async () => {
  let token = "old ü";
  const server = fakeServer<Chat>();
  server.onAttempt(({ token }) => (token === "new" ? undefined : { code: 4501, reason: "token expired" }));
  const socket = connect<Chat>("ws://server/chat", { ...server.options, auth: () => token, identity: null });
  socket.on("error", () => {});
  const end = await new Promise((resolve) => socket.once("disconnect", resolve));
  assert.deepEqual(end, { code: 4501, reason: "token expired", cause: "rejected", willReconnect: false });
  token = "new";
  socket.connect();
  await server.connected;
  assert.deepEqual(server.attempts, [
    { url: "ws://server/chat", token: "old ü" },
    { url: "ws://server/chat", token: "new" },
  ]);
  assert.equal(server.sessions[0]?.attempt.token, "new");
});

test("a session that is resumed has the token of its latest attempt", async () => {
  let token = "old";
  const { server } = await connected({ auth: () => token, identity: "ann" });
  token = "new";
  server.cut();
  server.restore();
  await server.connected;
  assert.deepEqual(server.sessions.map(({ attempt }) => attempt.token), ["new"]);
});

test("a socket that is closed while onAttempt decides gets no session", async () => {
  const { socket, server } = fakeSocket({ client });
  let admit = () => {};
  const attempted = new Promise<void>((resolve) => {
    server.onAttempt(() => {
      resolve();
      return new Promise<void>((resolve) => (admit = resolve));
    });
  });
  await attempted;
  assert.equal(socket.status, "connecting");
  socket.close();
  admit();
  await settle();
  assert.deepEqual(server.sessions, []);
});

test("a changed identity drops the queue and opens a new session, with the new token", async () => {
  let user = "ann";
  const fake = await connected({ auth: () => `token of ${user}`, identity: () => user });
  const { socket, server, log } = fake;
  server.cut();
  socket.emit("label", "ann");
  user = "bob";
  server.restore();
  await server.connected;
  assert.deepEqual(errors(fake), ["identity label"]);
  assert.equal((log.of("connect")[0] as { recovered: boolean }).recovered, false);
  assert.equal(server.attempts[server.attempts.length - 1]?.token, "token of bob");
  assert.deepEqual(server.received, []);
});

test("one server serves several sockets, and tells them apart", async () => {
  const server = fakeServer<Chat>();
  const open = async (token: string) => {
    const socket = connect<Chat>("ws://server/chat", { ...server.options, auth: () => token, identity: token });
    const log = recorder();
    log.listen(socket, "newMessage");
    await new Promise((resolve) => socket.once("connect", resolve));
    return { socket, log };
  };
  const ann = await open("ann");
  const bob = await open("bob");
  server.on("sendMessage", ({ text }, { attempt }) => server.emit("newMessage", message(`${attempt.token}: ${text}`)));
  bob.socket.emit("sendMessage", { room: "a", text: "hi" });
  await server.next("sendMessage");
  for (const { log } of [ann, bob]) assert.deepEqual(log.entries, [["newMessage", message("bob: hi")]]);
  server.sessions[0]?.emit("newMessage", message("for ann"));
  assert.deepEqual([ann.log.entries.length, bob.log.entries.length], [2, 1]);
  assert.deepEqual(server.sessions.map(({ received }) => received.length), [0, 1]);
  server.sessions[0]?.close(4500);
  assert.deepEqual([ann.socket.status, bob.socket.status, server.sessions.length], ["closed", "connected", 1]);
});

test("a router passes each socket to the server of its path; others are rejected with 4502", async () => {
  const chat = fakeServer<Chat>();
  const admin = fakeServer<Auction>();
  const router = createClient<AppRouter>({
    baseUrl: "ws://server/api",
    ...fakeRouter({ "chat/wsChat": chat, "auction/admin": admin }),
  });
  chat.onCall("clear", () => null);
  admin.onCall("bid", ({ amount }) => amount > 1);
  assert.equal(await router.chat.wsChat.$ws().call("clear"), null);
  assert.equal(await router.auction.admin.$ws().call("bid", { amount: 2 }), true);
  assert.deepEqual([chat.received.length, admin.received.length], [1, 1]);
  const missing = router.auction.$ws();
  missing.on("error", () => {});
  const end = await new Promise((resolve) => missing.once("disconnect", resolve));
  assert.deepEqual(end, { code: 4502, reason: "no procedure at this path", cause: "rejected", willReconnect: false });
});

test("disconnected resolves once the client has closed its socket, and its session ends", async () => {
  const { socket, server } = await connected();
  const { disconnected } = server;
  socket.close();
  await disconnected;
  assert.deepEqual(server.sessions, []);
});

test("a call times out when its handler does not answer", async () => {
  const { socket, server } = await connected();
  server.onCall("clear", () => new Promise<null>(() => {}));
  const call = assert.rejects(socket.call("clear"), { code: "timedOut" });
  await advance(10_000);
  await call;
});
