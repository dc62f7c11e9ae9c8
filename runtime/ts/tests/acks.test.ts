import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { advance, secret, startClock, stopClock } from "./support/fakeWebSocket.js";
import { connected, cut, errors, offered, resumeOf, sendText, texts } from "./support/connectedSocket.js";

beforeEach(stopClock);
afterEach(startClock);

test("after the welcome every message is counted, except those of uncounted names", async () => {
  const all = await connected();
  const counted = ['["newMessage",{}]', '["$ok",1,7]', '["$err",{}]', '["$new",1]', '["connect",{}]'];
  counted.push("{", "[]", '{"0":"ping"}', '["pings"]', '["$acks",1]', "");
  const others = ["$welcome", "$ack", "$contract", "$contract?", "ping", "pong"];
  for (const name of others) for (const data of [0, { resume: secret(2) }]) all.first.frame(name, data);
  for (const text of counted) all.first.text(text);
  all.first.text(new ArrayBuffer(8));
  await cut(all);
  assert.equal(offered(all), resumeOf(1, counted.length + 1));
  all.net.last.open("parlor.v1.json");
  all.net.last.frame("newMessage", {});
  await cut(all);
  await advance(1000);
  assert.equal(offered(all), resumeOf(1, counted.length + 1), "messages before a welcome are not counted");
});

test("confirmed frames are not replayed; an impossible $ack confirms nothing", async () => {
  const all = await connected();
  for (const text of ["1", "2", "3"]) sendText(all, text);
  for (const count of [4, 1e9, -1, 0, 0.5, NaN, null, "x", {}, [], "length"]) all.first.frame("$ack", count);
  all.first.frame("$ack", 1);
  all.first.frame("$ack", 0);
  await cut(all);
  all.net.last.welcome({ resume: secret(2), recovered: true, received: 1 });
  assert.deepEqual(texts(all.net.last.sent), ["$ack 0", "2", "3"]);
});

test("without a resume secret nothing is tracked, counted or acknowledged, and a loss rejects calls at once", async () => {
  for (const resume of [null, undefined, 7, {}, "", secret().slice(1), `${secret()}s`, `${secret().slice(1)}.`]) {
    const all = await connected();
    all.first.end(1011);
    await advance(1000);
    const { net, socket } = all;
    net.last.welcome({ resume });
    for (let i = 0; i < 5000; i++) socket.emit("touch");
    for (let i = 0; i < 300; i++) net.last.frame("newMessage", {});
    const call = assert.rejects(socket.call("clear"), { code: "disconnected" });
    assert.equal(net.last.sent.length, 5001, String(resume));
    net.last.end(1006);
    await call;
    await advance(2000);
    assert.deepEqual(net.last.protocols, ["parlor.v1.json"]);
    assert.deepEqual(errors(all), []);
    socket.close();
  }
});

test("an $ack is sent after 512 messages or 32 Ki characters, whichever comes first, and the counts restart", async () => {
  const all = await connected();
  const { first } = all;
  const frames = (n: number, length = 0) => {
    for (let i = 0; i < n; i++) first.frame("newMessage", { text: "x".repeat(length) });
    return first.sent.splice(0);
  };
  assert.deepEqual(frames(511), []);
  first.frame("pong", null);
  assert.deepEqual(frames(1), [["$ack", 512]]);
  assert.deepEqual(frames(511), []);
  assert.deepEqual(frames(1), [["$ack", 1024]]);
  assert.deepEqual(frames(3, 10_000), []);
  assert.deepEqual(frames(1, 2700), [["$ack", 1028]]);
  assert.deepEqual(frames(1, 1 << 15), [["$ack", 1029]]);
  assert.deepEqual(frames(511), []);
  await cut(all);
  all.net.last.welcome({ resume: secret(2), recovered: true, received: 0 });
  for (let i = 0; i < 511; i++) all.net.last.frame("newMessage", {});
  assert.deepEqual(all.net.last.sent, [["$ack", 1540]], "the first $ack had the whole count");
  await cut(all);
  await advance(1000);
  all.net.last.welcome({ resume: secret(3) });
  for (let i = 0; i < 512; i++) all.net.last.frame("newMessage", {});
  assert.deepEqual(all.net.last.sent, [["$ack", 512]], "a new session starts at 0");
});

test("a ping is preceded by an $ack if messages are not acknowledged", async () => {
  const { first } = await connected();
  await advance(30_000);
  assert.deepEqual(first.sent, [["ping", 1]]);
  first.frame("pong", 1);
  first.frame("newMessage", {});
  await advance(30_000);
  first.frame("pong", 2);
  await advance(30_000);
  assert.deepEqual(first.sent.slice(1), [["$ack", 1], ["ping", 2], ["ping", 3]]);
});

test("at most 4096 frames are in flight; $ack releases queued ones", async () => {
  const all = await connected();
  const { first, socket } = all;
  for (let i = 0; i < 4100; i++) assert.equal(sendText(all, String(i)), true);
  const call = socket.call("clear", {}, { timeout: Infinity });
  assert.equal(first.sent.length, 4096);
  first.frame("$ack", 3);
  assert.deepEqual(texts(first.sent).slice(-3), ["4096", "4097", "4098"]);
  await advance(30_000);
  assert.deepEqual(first.sent.pop(), ["ping", 1], "pings are sent past the limit");
  first.frame("$ack", 4096);
  assert.deepEqual(texts(first.sent).slice(-2), ["4099", "clear {}"]);
  first.frame("$ok", null, 1);
  assert.equal(await call, null);
});

test("at most 256 KiB of UTF-8 are in flight; the last frame may exceed the limit", async () => {
  const all = await connected();
  all.first.end(1006);
  await advance(1000);
  const { net } = all;
  net.last.welcome({ resume: secret(2), maxMessage: 1 << 20 });
  const frame = (bytes: number, text: string) =>
    text.repeat((bytes - '["sendMessage",{"room":"a","text":""}]'.length) / Buffer.byteLength(text));
  sendText(all, frame((1 << 18) - 2, "é"));
  sendText(all, frame(1 << 19, "x"));
  sendText(all, "queued");
  assert.equal(net.last.sent.length, 2);
  net.last.frame("$ack", 1);
  assert.equal(net.last.sent.length, 2);
  net.last.frame("$ack", 2);
  assert.deepEqual(texts(net.last.sent).slice(2), ["queued"]);
  sendText(all, frame((1 << 18) - Buffer.byteLength(JSON.stringify(net.last.sent[2])), "x"));
  sendText(all, "also queued");
  assert.equal(net.last.sent.length, 4);
});

test("emit and call fail with full while the queue and the WebSocket hold over 1 MiB", async () => {
  const all = await connected();
  const { net, socket } = all;
  const text = "x".repeat(1 << 16);
  const send = () => socket.emit("sendMessage", { room: "a", text: text.slice(38) });
  for (let i = 0; i < 4 + 16 + 1; i++) assert.equal(send(), true, String(i));
  assert.equal(send(), false);
  await assert.rejects(socket.call("search", { text: "x" }), { code: "full" });
  assert.deepEqual(errors(all), ["full sendMessage"]);
  net.last.frame("$ack", 1);
  net.last.bufferedAmount = 1;
  assert.equal(socket.emit("touch"), false, "1 MiB and 1 byte");
  net.last.bufferedAmount = 0;
  const controller = new AbortController();
  const call = assert.rejects(socket.call("search", { text: "x" }, { signal: controller.signal }));
  assert.equal(socket.emit("touch"), false);
  controller.abort();
  await call;
  assert.equal(socket.emit("touch"), true);
  // The touch fills the queue again; events of `connect` handlers are sent nevertheless.
  socket.once("connect", () => assert.equal(socket.emit("joinRoom", { room: "a" }), true));
  await cut(all);
  net.last.welcome({ resume: secret(2) });
  assert.equal(net.last.sent[0]?.[0], "joinRoom");
  assert.equal(net.last.sent.length, 5, "and 4 frames of the queue");
});

test("frames queued by the in-flight limit survive a lost session; an aborted call is not sent", async () => {
  const all = await connected();
  const { net, socket } = all;
  for (let i = 0; i < 4096; i++) socket.emit("touch");
  const controller = new AbortController();
  const call = assert.rejects(socket.call("clear", {}, { signal: controller.signal }));
  const queuedCall = socket.call("joinRoom", { room: "a" });
  sendText(all, "queued");
  controller.abort();
  await call;
  await cut(all);
  net.last.welcome({ resume: secret(2), reason: "overflow" });
  assert.equal(errors(all).length, 4096);
  assert.deepEqual(texts(net.last.sent), ['joinRoom {"room":"a"}', "queued"]);
  net.last.frame("$ok", ["ada"], 2);
  assert.deepEqual(await queuedCall, ["ada"]);
});

test("a welcome with an impossible count is a mismatch, and the server's count is used from then on", async () => {
  for (const received of [4, 0, -1]) {
    const all = await connected();
    const { net, log } = all;
    for (const text of ["1", "2", "3"]) sendText(all, text);
    const call = assert.rejects(all.socket.call("clear"), { code: "disconnected" });
    all.first.frame("newMessage", {});
    all.first.frame("$ack", 1);
    await cut(all);
    const impossible = received === 4 ? 5 : received;
    net.last.welcome({ resume: secret(2), recovered: true, received: impossible });
    await call;
    assert.deepEqual(log.of("connect"), [{ recovered: false, reason: "mismatch" }]);
    assert.deepEqual(errors(all), ["lost sendMessage", "lost sendMessage"]);
    sendText(all, "new");
    sendText(all, "newer");
    assert.deepEqual(texts(net.last.sent), ["$ack 1", "new", "newer"]);
    net.last.frame("$ack", impossible + 1);
    await cut(all);
    await advance(1000);
    assert.equal(offered(all), resumeOf(2, 1));
    net.last.welcome({ resume: secret(3), recovered: true, received: impossible + 1 });
    assert.deepEqual(texts(net.last.sent), ["$ack 1", "newer"]);
  }
});

test("a recovered welcome without a count is a mismatch", async () => {
  for (const received of [undefined, "x", {}, 0.5]) {
    const all = await connected();
    sendText(all, "1");
    await cut(all);
    all.net.last.welcome({ resume: secret(2), recovered: true, received });
    assert.deepEqual(all.log.of("connect"), [{ recovered: false, reason: "mismatch" }]);
    assert.deepEqual(errors(all), ["lost sendMessage"]);
    all.socket.close();
  }
});

test("frames of uncounted names are sent and not replayed", async () => {
  const all = await connected();
  all.socket.emit("ping" as never, null as never);
  sendText(all, "1");
  assert.deepEqual(all.first.sent[0], ["ping", null]);
  await cut(all);
  all.net.last.welcome({ resume: secret(2), recovered: true, received: 0 });
  assert.deepEqual(texts(all.net.last.sent), ["$ack 0", "1"]);
});
