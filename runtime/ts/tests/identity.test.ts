import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect, type SocketError } from "../src/client.js";
import { type Connected, connected, cut, offered, sendText } from "./support/connectedSocket.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, secret, settle, startClock, stopClock } from "./support/fakeWebSocket.js";

beforeEach(stopClock);
afterEach(() => {
  startClock();
  mock.restoreAll();
});

/** A connected socket, and the user who is logged in. */
async function loggedIn(name: string | null, options: object = {}) {
  const user = { name };
  const all = await connected({ identity: () => user.name, auth: () => user.name && `token of ${user.name}`, ...options });
  return { ...all, user };
}

const tokens = (net: Connected["net"]) =>
  net.made.map(({ protocols }) => {
    const bearer = protocols?.find((protocol) => protocol.startsWith("parlor.bearer."));
    return bearer && Buffer.from(bearer.slice(14), "base64url").toString();
  });
const identityErrors = ({ log }: Connected) =>
  (log.of("error") as SocketError[]).filter(({ code }) => code === "identity").map(({ event }) => event);

test("after another login emit closes the connection, and goes over one with the new token", async () => {
  const all = await loggedIn("ann");
  all.user.name = "bob";
  assert.equal(sendText(all, "from bob"), true);
  assert.deepEqual(all.first.closed?.code, 1000);
  assert.deepEqual(all.first.sent, [], "nothing of bob over the connection of ann");
  await settle();
  assert.equal(offered(all), undefined, "no resume of the session of ann");
  all.net.last.welcome({ resume: secret(2) });
  assert.deepEqual(tokens(all.net), ["token of ann", "token of bob"]);
  assert.deepEqual(all.net.last.sent.map(([, data]) => (data as { text: string }).text), ["from bob"]);
  assert.deepEqual(all.log.entries, [
    ["disconnect", { code: 1000, reason: "the identity has changed", cause: "identity", willReconnect: true }],
    ["connect", { recovered: false, reason: "ended" }],
    ["reconnect", { recovered: false, reason: "ended" }],
  ]);
});

test("on another identity queued events, events in flight and calls are dropped and reported, never sent", async () => {
  const all = await loggedIn("ann");
  sendText(all, "in flight");
  const sent = all.socket.call("clear", {}, { timeout: Infinity });
  await cut(all);
  all.socket.emit("joinRoom", { room: "queued" });
  const queued = all.socket.call("joinRoom", { room: "a" }, { timeout: Infinity });
  all.user.name = "bob";
  const rejected = Promise.all([sent, queued].map((call) => assert.rejects(call, { code: "identity" })));
  all.socket.connect();
  await rejected;
  assert.deepEqual(identityErrors(all), ["sendMessage", "joinRoom"]);
  await settle();
  all.net.last.welcome({ resume: secret(2) });
  await advance(60_000);
  assert.deepEqual(all.net.last.sent.filter(([name]) => name !== "ping"), []);
});

test("what a listener emits and calls after another login is sent for the new identity", async () => {
  const all = await loggedIn("ann");
  let call: Promise<unknown> | undefined;
  const off = all.socket.subscribe(() => {
    off();
    sendText(all, "of bob");
    call = all.socket.call("joinRoom", { room: "of bob" });
  });
  sendText(all, "of ann");
  all.user.name = "bob";
  all.socket.connect();
  await settle();
  all.net.last.welcome();
  assert.deepEqual(all.net.last.sent.map(([name]) => name), ["sendMessage", "joinRoom"]);
  all.net.last.frame("$ok", [], all.net.last.sent[1]?.[2]);
  assert.deepEqual(await call, []);
});

test("subscribers learn that another login ended an attempt to connect", async () => {
  const all = await loggedIn("ann");
  await cut(all);
  const seen: [string, string | undefined][] = [];
  all.socket.subscribe(() => void seen.push([all.socket.status, all.socket.lastClose?.cause]));
  all.user.name = "bob";
  all.socket.connect();
  assert.deepEqual(seen, [["reconnecting", "identity"]]);
});

test("a session that opens after another login is closed without connect, and nothing is replayed", async () => {
  const all = await loggedIn("ann");
  sendText(all, "in flight");
  await cut(all);
  all.user.name = "bob";
  all.net.last.welcome({ resume: secret(2), recovered: true, received: 0 });
  assert.deepEqual(all.net.last.sent, []);
  assert.equal(all.net.last.closed?.code, 1000);
  assert.deepEqual(all.log.of("connect"), []);
  assert.deepEqual(identityErrors(all), ["sendMessage"]);
});

test("a token that is resolved after another login is not used", async () => {
  const answers: ((token: string) => void)[] = [];
  const user = { name: "ann" };
  const net = fake();
  connect<Chat>("ws://server/chat", {
    WebSocket: net.WebSocket,
    identity: () => user.name,
    auth: () => new Promise((resolve) => answers.push(resolve)),
  });
  await settle();
  user.name = "bob";
  answers[0]?.("token of ann");
  await settle();
  assert.equal(net.made.length, 0, "the token of ann is not sent");
  answers[1]?.("token of bob");
  await settle();
  assert.deepEqual(tokens(net), ["token of bob"]);
});

test("a message for the last identity is not dispatched", async () => {
  const all = await loggedIn("ann");
  all.user.name = null;
  all.first.frame("newMessage", { text: "for ann" });
  assert.deepEqual(all.log.of("newMessage"), []);
  assert.equal(all.first.closed?.code, 1000);
  await settle();
  assert.deepEqual(tokens(all.net), ["token of ann", undefined], "logged out: no token");
});

test("connect opens a new session if the identity has changed, and does nothing otherwise", async () => {
  const all = await loggedIn("ann");
  all.socket.connect();
  await settle();
  assert.equal(all.net.made.length, 1);
  all.user.name = "bob";
  all.socket.connect();
  await settle();
  assert.equal(all.net.made.length, 2);
  assert.equal(all.socket.lastClose?.cause, "identity");
});

test("a new token of the same identity keeps the session", async () => {
  let n = 0;
  const all = await connected({ identity: "ann", auth: () => `token ${++n}` });
  sendText(all, "kept");
  await cut(all);
  assert.deepEqual(tokens(all.net), ["token 1", "token 2"]);
  all.net.last.welcome({ resume: secret(2), recovered: true, received: 0 });
  assert.equal(all.net.last.sent.filter(([name]) => name === "sendMessage").length, 1);
});

test("a server that sees another identity gets nothing that was kept", async () => {
  const all = await connected();
  sendText(all, "in flight");
  const sent = assert.rejects(all.socket.call("clear", {}, { timeout: Infinity }), { code: "identity" });
  await cut(all);
  all.socket.emit("joinRoom", { room: "queued" });
  const queued = assert.rejects(all.socket.call("joinRoom", { room: "a" }, { timeout: Infinity }), { code: "identity" });
  all.socket.once("connect", () => all.socket.emit("label", "new"));
  all.net.last.welcome({ resume: secret(2), recovered: false, reason: "identity" });
  await Promise.all([sent, queued]);
  assert.deepEqual(identityErrors(all), ["sendMessage", "joinRoom"]);
  assert.deepEqual(all.net.last.sent, [["label", "new"]]);
});

test("a session that is lost for another reason sends the queue", async () => {
  const all = await connected();
  await cut(all);
  all.socket.emit("joinRoom", { room: "queued" });
  all.net.last.welcome({ resume: secret(2), recovered: false, reason: "expired" });
  assert.deepEqual(all.net.last.sent, [["joinRoom", { room: "queued" }]]);
});

const jwt = (sub: string) => ["e30", Buffer.from(JSON.stringify({ sub })).toString("base64url"), "x"].join(".");

test("in development one identity with the tokens of two users is a warning, without the token", async () => {
  const warned = mock.method(console, "warn", () => {});
  let user = "ann";
  const all = await connected({ identity: "me", auth: () => jwt(user) });
  await cut(all);
  all.net.last.welcome({ resume: secret(2), recovered: true, received: 0 });
  assert.equal(warned.mock.callCount(), 0, "the same user");
  user = "bob";
  await cut(all);
  await advance(1000);
  assert.equal(warned.mock.callCount(), 1);
  assert.match(String(warned.mock.calls[0]?.arguments[0]), /`sub`.*`identity`/);
  assert.doesNotMatch(String(warned.mock.calls[0]?.arguments), /ann|bob/);
});

const message = (text: string) => ({ room: "a", text, userId: "", timestamp: 0 });

test("after a login in a handler, no other handler gets the message of the last identity", async () => {
  const all = await loggedIn("ann");
  const shown: string[] = [];
  all.socket.on("newMessage", () => (all.user.name = "bob"));
  all.socket.on("newMessage", ({ text }) => shown.push(text));
  all.socket.onAny(({ event }) => shown.push(event));
  all.first.frame("newMessage", message("for ann"));
  assert.deepEqual(shown, []);
});

test("after a close in a handler, the other handlers get the message", async () => {
  const all = await connected();
  const shown: string[] = [];
  all.socket.on("newMessage", () => all.socket.close());
  all.socket.on("newMessage", ({ text }) => shown.push(text));
  all.first.frame("newMessage", message("shown"));
  assert.deepEqual(shown, ["shown"]);
});

test("an event whose emit lets a handler log in as another user fails, and is not sent", async () => {
  const all = await loggedIn("ann");
  all.user.name = "bob";
  all.socket.once("disconnect", () => {
    all.user.name = "eve";
    all.socket.connect();
  });
  assert.equal(sendText(all, "from bob"), false);
  assert.deepEqual(identityErrors(all), ["sendMessage"]);
  await settle();
  all.net.last.welcome({ resume: secret(2) });
  assert.deepEqual(all.net.last.sent, []);
});

test("auth is called for the identity of its attempt, also if the user changes and returns", async () => {
  const user = { name: "ann" };
  const net = fake();
  let resolveUrl = (_: string) => {};
  connect<Chat>(() => new Promise((resolve) => (resolveUrl = resolve)), {
    WebSocket: net.WebSocket,
    identity: () => user.name,
    auth: () => {
      const token = `token of ${user.name}`;
      user.name = "ann";
      return token;
    },
  });
  await settle();
  user.name = "bob";
  resolveUrl("ws://server/chat");
  await settle();
  resolveUrl("ws://server/chat");
  await settle();
  assert.deepEqual(tokens(net), ["token of ann"]);
});

test("an identity that throws counts as null, and closes the session of the last identity", async () => {
  let user: { id: string } | null = { id: "ann" };
  const all = await connected({ identity: () => (user as { id: string }).id, auth: () => user?.id });
  user = null;
  all.first.frame("newMessage", message("for ann"));
  assert.deepEqual(all.log.of("newMessage"), []);
  assert.equal(all.first.closed?.code, 1000);
  await settle();
  all.net.last.welcome({ resume: secret(2) });
  assert.deepEqual(tokens(all.net), ["ann", undefined]);
  all.net.last.frame("newMessage", message("for all"));
  assert.equal(all.log.of("newMessage").length, 1);
});

test("what a handler of a changed identity emits is sent with the new token", async () => {
  const all = await loggedIn("ann");
  all.socket.on("$identity" as never, () => sendText(all, "from bob"));
  all.user.name = "bob";
  all.socket.connect();
  assert.deepEqual(all.first.sent, []);
  await settle();
  all.net.last.welcome({ resume: secret(2) });
  assert.equal(all.net.last.sent.length, 1);
});
