import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { connect, type Options } from "../src/client.js";
import { reactNative, type NetworkState } from "../src/reactNative.js";
import type { Chat } from "./support/contract.js";
import { advance, fake, settle, startClock, stopClock } from "./support/fakeWebSocket.js";
import { fakeAppState, fakeNetInfo } from "./support/reactNativeModules.js";

beforeEach(stopClock);
afterEach(startClock);

const wifi: NetworkState = { type: "wifi", isConnected: true, isInternetReachable: true };
const none: NetworkState = { type: "none", isConnected: false, isInternetReachable: false };

/** Watches the modules, and counts the wakes. */
function watch(state?: NetworkState) {
  const AppState = fakeAppState();
  const NetInfo = fakeNetInfo(state);
  let wakes = 0;
  const stop = reactNative({ AppState, NetInfo }).wakeOn(() => wakes++);
  /** The wakes since the last call. */
  const woken = () => {
    const count = wakes;
    wakes = 0;
    return count;
  };
  return { AppState, NetInfo, stop, woken };
}

test("an app that becomes active wakes, and one that leaves the screen does not", () => {
  const { AppState, woken } = watch(wifi);
  AppState.change("inactive");
  AppState.change("background");
  assert.equal(woken(), 0);
  AppState.change("active");
  assert.equal(woken(), 1);
});

test("the first state of the network, which is reported at once or later, does not wake", async () => {
  const known = watch(wifi);
  assert.equal(known.woken(), 0);
  const unknown = watch();
  unknown.NetInfo.change(wifi);
  await unknown.NetInfo.fetched();
  assert.equal(unknown.woken(), 0);
});

test("a network that is back, is another one, or reaches the internet wakes", () => {
  const { NetInfo, woken } = watch(none);
  NetInfo.change({ ...wifi, isInternetReachable: null });
  assert.equal(woken(), 1);
  NetInfo.change(wifi);
  assert.equal(woken(), 1);
  NetInfo.change({ ...wifi, type: "cellular" });
  assert.equal(woken(), 1);
});

test("a lost or unknown network, and a change of details only, do not wake", () => {
  const { NetInfo, woken } = watch(wifi);
  NetInfo.change({ ...wifi, details: { strength: 40 } } as NetworkState);
  NetInfo.change({ type: "unknown", isConnected: null, isInternetReachable: null });
  NetInfo.change(none);
  assert.equal(woken(), 0);
});

test("after the stop neither module has a listener", () => {
  const { AppState, NetInfo, stop, woken } = watch(wifi);
  assert.deepEqual([AppState.listeners, NetInfo.listeners], [1, 1]);
  stop();
  assert.deepEqual([AppState.listeners, NetInfo.listeners], [0, 0]);
  AppState.change("active");
  assert.equal(woken(), 0);
});

test("without NetInfo the app's state wakes", () => {
  const AppState = fakeAppState();
  let wakes = 0;
  const stop = reactNative({ AppState }).wakeOn(() => wakes++);
  AppState.change("active");
  assert.equal(wakes, 1);
  stop();
  assert.equal(AppState.listeners, 0);
});

/** Connects in an app. */
async function connected(options: Options = {}) {
  const AppState = fakeAppState();
  const NetInfo = fakeNetInfo(wifi);
  const net = fake();
  const app = reactNative({ AppState, NetInfo });
  const socket = connect<Chat>("ws://server/chat", { WebSocket: net.WebSocket, jitter: 0, ...app, ...options });
  await settle();
  net.last.welcome();
  return { AppState, NetInfo, net, socket };
}

test("while waiting to reconnect, an active app and a new network dial at once, and together only once", async () => {
  for (const back of [1, 2, 3]) {
    const { AppState, NetInfo, net, socket } = await connected();
    net.last.end(1006);
    NetInfo.change(none);
    await settle();
    assert.equal(net.made.length, 1);
    if (back & 1) AppState.change("active");
    if (back & 2) NetInfo.change(wifi);
    await settle();
    assert.equal(net.made.length, 2);
    net.last.welcome();
    assert.equal(socket.status, "connected");
    socket.close();
  }
});

test("while connected, an active app and a new network send one ping", async () => {
  const { AppState, NetInfo, net, socket } = await connected();
  AppState.change("active");
  NetInfo.change({ ...wifi, type: "cellular" });
  assert.deepEqual(net.last.sent, [["ping", 1]]);
  socket.close();
});

test("a socket that has given up begins anew, after the wait, when the app is active or the network is back", async () => {
  for (const back of ["app", "network"]) {
    const { AppState, NetInfo, net, socket } = await connected({ maxReconnectAttempts: 0 });
    net.last.end(1006);
    assert.equal(socket.status, "closed");
    NetInfo.change(none);
    if (back === "app") AppState.change("active");
    else NetInfo.change(wifi);
    assert.equal(socket.status, "reconnecting");
    await advance(1000);
    assert.equal(net.made.length, 2);
    socket.close();
  }
});

test("a closed socket has no listeners in the modules", async () => {
  const { AppState, NetInfo, socket } = await connected();
  assert.deepEqual([AppState.listeners, NetInfo.listeners], [1, 1]);
  socket.close();
  assert.deepEqual([AppState.listeners, NetInfo.listeners], [0, 0]);
});
