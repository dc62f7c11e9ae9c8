import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Lifecycle } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, recorder, secret, settle, suspend, startClock, stopClock } from "./support/fakeWebSocket.js";
import { connected, type Connected, cut, errors, offered, resumeOf, sendText, texts } from "./support/connectedSocket.js";

beforeEach(stopClock);
afterEach(startClock);

test("a redial offers the resume request after the subprotocol and before the token", async () => {
  const all = await connected({ identity: "ada", auth: () => "token" });
  for (let i = 0; i < 3; i++) all.first.frame("newMessage", {});
  await cut(all);
  const bearer = `parlor.bearer.${Buffer.from("token").toString("base64url")}`;
  assert.deepEqual(all.net.last.protocols, ["parlor.v1.json", resumeOf(1, 3), bearer]);
  assert.equal(all.first.protocols?.length, 2, "the first dial offers no resume request");
});

test("a recovered session sends $ack, the replay, events of handlers, and the queue, in this order", async () => {
  const all = await connected();
  const { socket, net, log, first } = all;
  socket.on("connect", () => void sendText(all, "of connect"));
  socket.on("reconnect", () => void sendText(all, "of reconnect"));
  for (const text of ["1", "2", "3", "4"]) sendText(all, text);
  first.frame("newMessage", { n: 1 });
  first.frame("$ack", 1);
  first.end(1006);
  sendText(all, "queued");
  await advance(1000);
  net.last.welcome({ resume: secret(2), recovered: true, received: 2 });
  net.last.frame("newMessage", { n: 2 });
  assert.deepEqual(texts(net.last.sent), ["$ack 1", "3", "4", "of connect", "of reconnect", "queued"]);
  assert.deepEqual(log.entries, [
    ["newMessage", { n: 1 }],
    ["disconnect", { code: 1006, reason: "", cause: "lost", willReconnect: true }],
    ["reconnecting", { attempt: 1, delay: 1000 }],
    ["connect", { recovered: true }],
    ["reconnect", { recovered: true }],
    ["newMessage", { n: 2 }],
  ]);
  net.last.frame("$ack", 5);
  await cut(all);
  await advance(1000);
  assert.equal(offered(all), resumeOf(2, 2), "the counts continue, with the new secret");
  net.last.welcome({ resume: secret(3), recovered: true, received: 6 });
  assert.deepEqual(texts(net.last.sent).slice(0, 2), ["$ack 2", "queued"]);
});

test("a session that is not recovered reports unconfirmed events as lost before connect, and sends the queue", async () => {
  const all = await connected();
  const { socket, net, log } = all;
  socket.on("connect", () => void sendText(all, "of connect"));
  socket.once("error", () => void sendText(all, "again"));
  for (const text of ["1", "2", "3"]) sendText(all, text);
  socket.emit("touch");
  all.first.frame("$ack", 2);
  await cut(all);
  sendText(all, "queued");
  net.last.welcome({ resume: secret(2), reason: "expired" });
  assert.deepEqual(errors(all), ["lost sendMessage", "lost touch"]);
  assert.deepEqual(log.names().slice(-4), ["error", "error", "connect", "reconnect"]);
  assert.deepEqual(log.of("reconnect"), [{ recovered: false, reason: "expired" }]);
  assert.deepEqual(texts(net.last.sent), ["of connect", "queued", "again"]);
  net.last.frame("newMessage", {});
  net.last.frame("$ack", 1);
  await cut(all);
  await advance(1000);
  assert.equal(offered(all), resumeOf(2, 1), "the counts restart");
  net.last.welcome({ resume: secret(3), recovered: true, received: 2 });
  assert.deepEqual(texts(net.last.sent).slice(0, 2), ["$ack 1", "again"]);
});

test("an unknown reason of the server is reported as unknown", async () => {
  const known = ["expired", "overflow", "evicted", "ended", "identity", "mismatch", "unknown"];
  for (const reason of [...known, "new", "", null, undefined, 7, "unexpired"]) {
    const all = await connected();
    await cut(all);
    all.net.last.welcome({ resume: secret(2), reason });
    const reported = known.includes(reason as string) ? reason : "unknown";
    for (const event of ["connect", "reconnect"])
      assert.deepEqual(all.log.of(event), [{ recovered: false, reason: reported }]);
    all.socket.close();
  }
});

test("the first connect has no reason, and one without an earlier secret has off or ended", async () => {
  const net = fake();
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket, jitter: 0 });
  const log = recorder();
  log.listen(socket, "connect");
  await settle();
  net.last.welcome({ recovered: true, reason: "expired" });
  net.last.frame("newMessage", {});
  net.last.end(1006);
  await advance(1000);
  assert.deepEqual(net.last.protocols, ["parlor.v1.json"]);
  net.last.welcome({ recovered: true, resume: secret(), received: 7 });
  assert.deepEqual(net.last.sent, []);
  net.last.end(1011);
  await advance(2000);
  net.last.welcome({ resume: null });
  socket.close();
  socket.connect();
  await settle();
  net.last.welcome();
  assert.deepEqual(log.of("connect"), [
    { recovered: false },
    { recovered: false, reason: "off" },
    { recovered: false, reason: "ended" },
    { recovered: false, reason: "off" },
  ]);
});

test("calls in flight are answered after the session is recovered", async () => {
  const all = await connected();
  const { socket, net } = all;
  const handled = socket.call("joinRoom", { room: "a" });
  const inFlight = socket.call("joinRoom", { room: "b" });
  const late = assert.rejects(socket.call("clear", {}, { timeout: 500 }), { code: "timedOut" });
  await cut(all);
  await late;
  net.last.welcome({ resume: secret(2), recovered: true, received: 1 });
  assert.deepEqual(net.last.sent.map(([, , id]) => id), [undefined, 2, 3], "the numbered calls are replayed");
  net.last.frame("$ok", ["a"], 1);
  net.last.frame("$ok", ["b"], 2);
  net.last.frame("$ok", null, 3);
  assert.deepEqual(await Promise.all([handled, inFlight]), [["a"], ["b"]]);
  assert.deepEqual(errors(all), []);
});

test("calls in flight are rejected when the session is not recovered or the socket closes", async () => {
  const outcome = async (all: Connected, end: () => unknown) => {
    let code = "none";
    all.socket.call("clear", {}, { timeout: Infinity }).catch((error) => (code = error.code));
    await end();
    await settle();
    return code;
  };
  let all = await connected();
  assert.equal(await outcome(all, () => all.first.end(1006)), "none");
  await advance(1000);
  assert.equal(await outcome(all, () => all.net.last.welcome()), "none", "this call was queued");
  all = await connected();
  assert.equal(await outcome(all, async () => (await cut(all), all.net.last.welcome())), "disconnected");
  all = await connected();
  assert.equal(await outcome(all, () => all.first.end(1012)), "disconnected");
  all = await connected();
  assert.equal(await outcome(all, async () => (await cut(all), all.net.last.end(1012))), "disconnected");
  all = await connected();
  assert.equal(await outcome(all, async () => (await cut(all), all.net.last.end(4501))), "closed");
  all = await connected({ reconnect: false });
  assert.equal(await outcome(all, () => all.first.end(1006)), "closed");
  all = await connected({ maxReconnectAttempts: 1 });
  assert.equal(await outcome(all, async () => (await cut(all), all.net.last.end(1006))), "closed");
  all = await connected();
  assert.equal(await outcome(all, () => all.socket.close()), "closed");
});

test("close codes that end the session lose its frames, and all others resume it", async () => {
  const yes = [1001, 1006, 1013, 4000, 4001, 4002, 4003, 1010, 1014, 3000, 4004, 4499];
  const no = [1000, 1002, 1003, 1005, 1007, 1008, 1009, 1011, 1012, 4500, 4501, 4502, 4503, 4504, 4505, 4999];
  for (const code of [...yes, ...no]) {
    const all = await connected();
    sendText(all, "1");
    all.first.end(code);
    const lost = no.includes(code);
    assert.deepEqual(errors(all), lost ? ["lost sendMessage"] : [], String(code));
    if (lost) assert.deepEqual(all.log.names().slice(0, 2), ["error", "disconnect"]);
    all.socket.connect();
    await settle();
    assert.equal(offered(all), lost ? undefined : resumeOf(1, 0), String(code));
    all.net.last.welcome({ resume: secret(2), recovered: !lost, received: 1 });
    assert.deepEqual(all.log.of("connect"), [lost ? { recovered: false, reason: "ended" } : { recovered: true }]);
    assert.equal(errors(all).length, Number(lost), "it is reported once");
    all.socket.close();
  }
});

test("failed attempts keep the session, and a final close code drops it", async () => {
  const all = await connected({ connectTimeout: 500, maxReconnectInterval: 1000 });
  const { net } = all;
  sendText(all, "1");
  all.first.frame("newMessage", {});
  await cut(all);
  for (const code of [1006, 4002, 4003, 1013]) {
    assert.equal(offered(all), resumeOf(1, 1));
    net.last.open("parlor.v1.json");
    await cut(all, code);
  }
  await advance(1500);
  assert.equal(offered(all), resumeOf(1, 1), "after connectTimeout");
  assert.deepEqual(new Set(errors(all)), new Set(["connect"]));
  all.log.entries.length = 0;
  net.last.end(4501);
  assert.deepEqual(errors(all), ["lost sendMessage", "connect"]);
  all.socket.connect();
  await settle();
  assert.equal(offered(all), undefined);
});

test("after the last attempt, frames in flight are lost and queued ones are closed", async () => {
  const all = await connected({ maxReconnectAttempts: 1 });
  sendText(all, "1");
  await cut(all);
  all.socket.emit("touch");
  all.net.last.end(1006);
  assert.deepEqual(errors(all), ["lost sendMessage", "closed touch", "connect"]);
  all.socket.connect();
  await settle();
  assert.equal(offered(all), undefined);
});

test("close drops the session without errors", async () => {
  for (const where of ["connected", "waiting", "dialling"]) {
    const all = await connected();
    sendText(all, "1");
    all.first.frame("newMessage", {});
    if (where !== "connected") all.first.end(1006);
    if (where === "dialling") await advance(1000);
    all.socket.close();
    assert.deepEqual(errors(all), []);
    if (where === "connected") assert.equal(all.first.closed?.code, 1000);
    all.socket.connect();
    await settle();
    assert.equal(offered(all), undefined);
    all.net.last.welcome({ resume: secret(2) });
    assert.deepEqual(all.log.of("connect"), [{ recovered: false, reason: "ended" }]);
    assert.deepEqual(all.net.last.sent, []);
  }
});

test("a handler that closes during a replay gets no further events of it", async () => {
  const all = await connected();
  const { net, socket, log } = all;
  await cut(all);
  const old = net.last;
  socket.once("newMessage", () => {
    socket.close();
    socket.connect();
  });
  old.welcome({ resume: secret(2), recovered: true });
  for (let n = 1; n <= 3; n++) old.frame("newMessage", { n });
  assert.deepEqual(log.of("newMessage"), [{ n: 1 }]);
  await settle();
  assert.deepEqual(net.last.protocols, ["parlor.v1.json"]);
  net.last.welcome({ resume: secret(3) });
  net.last.frame("newMessage", { n: 4 });
  net.last.end(1006);
  await advance(1000);
  assert.equal(offered(all), resumeOf(3, 1));
});

test("an error handler that closes on a lost event prevents connect", async () => {
  const all = await connected();
  sendText(all, "1");
  await cut(all);
  all.socket.once("error", () => all.socket.close());
  all.net.last.welcome();
  assert.equal(all.socket.status, "closed");
  assert.deepEqual(all.log.of("connect"), []);
  assert.ok(all.net.last.closed);
});

test("messages and $acks of a lost connection are ignored", async () => {
  const all = await connected();
  const { net, first, log } = all;
  sendText(all, "1");
  first.frame("newMessage", { n: 1 });
  await advance(40_000);
  assert.equal(first.closed?.code, 4001);
  first.frame("newMessage", { n: 2 });
  first.frame("$ack", 1);
  await advance(1000);
  assert.equal(offered(all), resumeOf(1, 1));
  first.frame("newMessage", { n: 2 });
  net.last.welcome({ resume: secret(2), recovered: true, received: 0 });
  first.frame("newMessage", { n: 2 });
  net.last.frame("newMessage", { n: 2 });
  assert.deepEqual(log.of("newMessage"), [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(texts(net.last.sent), ["$ack 1", "1"]);
});

test("a suspension longer than the session reports it as expired", async () => {
  const all = await connected();
  sendText(all, "1");
  await suspend(3_600_000);
  await advance(6000);
  assert.equal(offered(all), resumeOf(1, 0));
  all.net.last.welcome({ resume: secret(2), reason: "expired" });
  assert.deepEqual(errors(all), ["lost sendMessage"]);
});

test("without a welcome the next attempt offers the same secret and count", async () => {
  const all = await connected();
  all.first.frame("newMessage", {});
  await cut(all);
  all.net.last.open("parlor.v1.json");
  await cut(all, 1006);
  await advance(1000);
  assert.equal(all.net.made.length, 3);
  assert.equal(offered(all), resumeOf(1, 1));
});

test("connect while waiting to reconnect resumes, with one dial", async () => {
  const all = await connected();
  all.first.end(1006);
  all.socket.connect();
  all.socket.connect();
  await settle();
  assert.equal(offered(all), resumeOf(1, 0));
  await advance(5000);
  assert.equal(all.net.made.length, 2);
});

test("a changed token is reported with the reason identity", async () => {
  let token = "ada";
  const all = await connected({ identity: "ada", auth: () => token });
  token = "bob";
  await cut(all);
  assert.equal(offered(all), resumeOf(1, 0));
  all.net.last.welcome({ resume: secret(2), reason: "identity" });
  assert.deepEqual(all.log.of("reconnect"), [{ recovered: false, reason: "identity" }]);
});

test("a close reason with retry in ms sets the first wait, up to maxReconnectInterval", async () => {
  for (const [code, reason, delay] of [
    [1001, "the server shuts down; retry in 1234 ms", 1234],
    [1012, "retry in 0 ms", 0],
    [1013, "busy; retry in 999999 ms", 5000],
    [4000, "retry in 20 ms", 20],
    [1012, `retry in ${"9".repeat(40)} ms`, 5000],
    [1012, "retry in 20 ms, please", 1000],
    [1012, "retry in -20 ms", 1000],
    [1012, "retry in ms", 1000],
  ] as const) {
    const all = await connected({ maxReconnectInterval: 5000 });
    all.first.end(code, reason);
    assert.deepEqual(all.log.of("disconnect"), [{ code, reason, cause: "lost", willReconnect: true }]);
    assert.deepEqual(all.log.of("reconnecting"), [{ attempt: 1, delay }], reason);
    await advance(delay - 1);
    assert.equal(all.net.made.length, 1);
    await advance(1);
    assert.equal(all.net.made.length, 2);
    all.net.last.open("parlor.v1.json");
    all.net.last.end(1006);
    assert.equal((all.log.of("reconnecting")[1] as Lifecycle["reconnecting"]).delay, 2000, "later waits are the client's");
    all.socket.close();
  }
});
