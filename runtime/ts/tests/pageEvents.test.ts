import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Options } from "../src/client.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, lifecycle, recorder, secret, settle, startClock, stopClock } from "./support/fakeWebSocket.js";
import { closePage, type FakePage, openPage } from "./support/page.js";

let page: FakePage;

beforeEach(() => {
  stopClock();
  page = openPage();
});

afterEach(() => {
  startClock();
  closePage();
});

const online = () => page.fire("online");
const offline = () => page.fire("offline");
const pageshow = (persisted: boolean) => page.fire("pageshow", { persisted });
const visibility = (state: string) => {
  page.document.visibilityState = state;
  page.fire("visibilitychange");
};
const all = () => {
  online();
  visibility("visible");
  pageshow(false);
};

async function connected(options: Options = {}) {
  const net = fake();
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket, jitter: 0, ...options });
  const log = recorder();
  log.listen(socket, ...lifecycle);
  await settle();
  net.last.welcome();
  return { net, socket, log };
}

test("while waiting to reconnect, online, visible and pageshow dial at once, and together only once", async () => {
  for (const signal of [online, () => visibility("visible"), () => pageshow(false), all]) {
    const { net, socket } = await connected();
    net.last.end(1006);
    signal();
    await settle();
    assert.equal(net.made.length, 2);
    all();
    await advance(5000);
    assert.equal(net.made.length, 2, "one attempt in flight");
    net.last.welcome();
    assert.equal(net.unclosed.length, 1);
    socket.close();
  }
});

test("page events during a pending auth start no second attempt", async () => {
  let called = 0;
  const { net } = await connected({
    identity: "ada",
    auth: async () => {
      if (++called > 1) await new Promise(() => {});
      return "token";
    },
  });
  net.last.end(1006);
  all();
  await settle();
  all();
  await settle();
  assert.equal(called, 2);
});

test("offline, hidden, and a closed socket dial nothing", async () => {
  const { net, socket } = await connected();
  net.last.end(1006);
  offline();
  visibility("hidden");
  await settle();
  assert.equal(net.made.length, 1);
  socket.close();
  all();
  await settle();
  assert.equal(net.made.length, 1);
});

test("while connected, each page event sends a ping, and several together send one", async () => {
  for (const signal of [online, offline, () => visibility("visible"), () => pageshow(false), all]) {
    const { net, socket } = await connected();
    signal();
    assert.deepEqual(net.last.sent, [["ping", 1]]);
    await advance(4900);
    net.last.frame("pong", 1);
    await advance(10_000);
    assert.equal(socket.status, "connected");
    signal();
    await advance(4900);
    assert.equal(socket.status, "connected");
    await advance(100);
    assert.equal(socket.status, "reconnecting");
    socket.close();
  }
});

test("a probe waits no longer than heartbeatTimeout", async () => {
  const { socket } = await connected({ heartbeatTimeout: 1000 });
  online();
  await advance(1000);
  assert.equal(socket.status, "reconnecting");
});

test("a page event shortens a longer wait for a pong", async () => {
  const { socket } = await connected({ heartbeatTimeout: 20_000 });
  await advance(30_000);
  online();
  await advance(5000);
  assert.equal(socket.status, "reconnecting");
});

test("repeated page events do not extend the wait for a pong", async () => {
  const { socket } = await connected();
  for (let i = 0; i < 5; i++) {
    online();
    await advance(1000);
  }
  assert.equal(socket.status, "reconnecting");
});

test("a page restored from the back/forward cache loses its connection at once and dials once", async () => {
  for (const readyState of [1, 2, 3]) {
    const { net, socket, log } = await connected();
    const first = net.last;
    first.readyState = readyState;
    pageshow(true);
    assert.equal(log.of("disconnect").length, 1);
    await settle();
    assert.equal(net.made.length, 2);
    visibility("visible");
    first.end(1006);
    await advance(1000);
    assert.equal(net.made.length, 2);
    net.last.welcome();
    assert.equal(socket.status, "connected");
    socket.close();
  }
});

test("a restored page resumes with its count, and ignores later messages of the old connection", async () => {
  const { net, socket, log } = await connected();
  net.last.end(1012);
  await advance(1000);
  const first = net.last;
  first.welcome({ resume: secret() });
  log.listen(socket, "newMessage");
  first.frame("newMessage", { n: 1 });
  pageshow(true);
  first.frame("newMessage", { n: 2 });
  await settle();
  assert.equal(net.last.protocols?.[1], `parlor.resume.${secret()}.1`);
  net.last.welcome({ resume: secret(2), recovered: true });
  net.last.frame("newMessage", { n: 2 });
  assert.deepEqual(log.of("newMessage"), [{ n: 1 }, { n: 2 }]);
  assert.equal(socket.status, "connected");
});

test("a pageshow that is not persisted does not lose the connection", async () => {
  const { net, log } = await connected();
  net.last.readyState = 2;
  pageshow(false);
  assert.equal(log.of("disconnect").length, 0);
});

test("pagehide closes with 1000 unless the page is persisted", async () => {
  for (const [persisted, code] of [
    [true, undefined],
    [false, 1000],
  ] as const) {
    const { net } = await connected();
    page.fire("pagehide", { persisted });
    assert.equal(net.last.closed?.code, code);
  }
});

test("a closed socket has no listeners on the page", async () => {
  const { net, socket } = await connected();
  assert.equal(page.listeners(), 5);
  net.last.end(1012);
  assert.equal(page.listeners(), 5);
  socket.close();
  assert.equal(page.listeners(), 0);
  socket.connect();
  assert.equal(page.listeners(), 5);
  await settle();
  net.last.welcome();
  net.last.end(4500);
  assert.equal(page.listeners(), 0);
});

test("a page without some of its parts, as in React Native and workers, is no error", async () => {
  const globals = globalThis as Record<string, unknown>;
  for (const missing of [
    { document: undefined },
    { document: {} },
    { document: { visibilityState: "visible" }, addEventListener: undefined, removeEventListener: undefined },
    { document: undefined, addEventListener: undefined, removeEventListener: undefined },
  ]) {
    openPage();
    Object.assign(globals, missing);
    const { net, socket } = await connected();
    net.last.end(1006);
    await advance(1000);
    net.last.welcome();
    assert.equal(socket.status, "connected");
    socket.close();
  }
});
