import assert from "node:assert/strict";

import { connections, dials, received, sessions } from "../support/connections";
import { stopClock } from "../support/visitors";
import { fixture } from "./fixture";

const chat = fixture();
const { test } = chat;

test("after the server was killed and restarted, both pages continue", async () => {
  // Ada reconnects when the proxy lets her, so that Bob is in the room before her first message.
  const ada = await chat.guest("ada", { port: chat.proxy.port });
  const bob = await chat.guest("bob");
  await ada.waitForPerson("bob");
  chat.proxy.discard();
  await ada.send("first, in doubt");
  await ada.pending.getByText("Sending…").waitFor();
  chat.proxy.refuse();
  chat.proxy.cut();
  await chat.server.kill();
  await ada.problem.waitFor();
  await bob.problem.waitFor();
  await ada.log.getByText("Connection lost (1006)").waitFor();

  await ada.send("second, queued");
  await ada.send("third, queued");
  await ada.pending.getByText("Waiting for the connection").first().waitFor();
  chat.server = await chat.server.restart();
  await bob.connected();
  chat.proxy.refuse(false);
  await ada.connected();
  await bob.waitForMessage("second, queued");
  await bob.waitForMessage("third, queued");
  await ada.waitForMessage("third, queued");
  await ada.waitForPerson("bob");
  await bob.waitForPerson("ada");
  await ada.log.getByText("Connected again; messages may be missing").waitFor();
  await ada.problem.waitFor({ state: "detached" });
  assert.deepEqual(await sessions(ada), ["new", "unknown"]);

  // It is unknown whether the first message arrived, so Ada decides.
  const doubtful = ada.pending.getByRole("listitem");
  await doubtful.getByText("Cut off on its way: perhaps not delivered").waitFor();
  assert.equal(await doubtful.count(), 1);
  await ada.page.getByRole("button", { name: "Send again" }).click();
  await bob.waitForMessage("first, in doubt");
  await ada.pending.waitFor({ state: "detached" });

  await bob.send("fourth, from Bob");
  await ada.waitForMessage("fourth, from Bob");
  await ada.send("fifth, from Ada");
  await bob.waitForMessage("fifth, from Ada");
  await ada.waitForMessage("fifth, from Ada");
  const all = ["second, queued", "third, queued", "first, in doubt", "fourth, from Bob", "fifth, from Ada"];
  assert.deepEqual([await ada.messages(), await bob.messages()], [all, all]);
});

test("a server that shuts down sets the wait before the next attempt", async () => {
  const ada = await chat.guest("ada", { prepare: (page) => page.clock.install() });
  await ada.waitForPerson("ada");
  await stopClock(ada);
  chat.server.signal("SIGINT");
  await ada.log.getByText("Connection lost (the server shuts down)").waitFor();
  await chat.server.ended();
  chat.server = await chat.server.restart();
  const [{ code, reason = "" } = {}] = await connections(ada);
  const wait = Number(/; retry in (\d+) ms$/.exec(reason)?.[1]);
  assert.equal(code, 1012);
  assert.ok(wait >= 0 && wait <= 5_000, reason);

  // Without the server's wait, the first attempt would be after 100 ms.
  await ada.page.clock.runFor(Math.max(wait - 1, 0));
  if (wait) assert.equal((await connections(ada)).length, 1);
  await ada.page.clock.runFor(1);
  await ada.connected();
  await ada.send("back");
  await ada.waitForMessage("back");
  assert.deepEqual(await sessions(ada), ["new", "new"]);
});

test("a stopped server is detected after the heartbeat's interval and timeout", async () => {
  // The page's defaults: a ping after 30 s, a loss 10 s later. The test controls the clock.
  const ada = await chat.guest("ada", { prepare: (page) => page.clock.install() });
  const pings = async () => (await connections(ada))[0]!.sent.filter((frame) => frame.startsWith('["ping",'));
  // The clock is stopped from the last message on.
  await stopClock(ada);
  await ada.send("before");
  await ada.waitForMessage("before");

  await chat.server.stop();
  try {
    await ada.page.clock.runFor(29_900);
    assert.deepEqual(await pings(), []);
    await ada.page.clock.runFor(200);
    assert.deepEqual(await pings(), ['["ping",1]']);
    await ada.page.clock.runFor(9_800);
    assert.equal(await ada.problem.isVisible(), false);
    await ada.page.clock.runFor(200);
    await ada.problem.waitFor();
    await ada.log.getByText("Connection lost (heartbeat missed)").waitFor();
    await ada.send("meanwhile");
  } finally {
    chat.server.signal("SIGCONT");
  }
  await ada.page.clock.resume();
  await ada.connected();
  await ada.waitForMessage("meanwhile");
  await ada.send("after");
  await ada.waitForMessage("after");
  assert.equal(await dials(ada), 2);
});

test("a server that answers pings keeps its connection for an hour", async () => {
  const ada = await chat.guest("ada", { prepare: (page) => page.clock.install() });
  await stopClock(ada);
  for (let n = 1; n <= 120; n++) {
    await ada.page.clock.runFor(30_000);
    await received(ada, '["pong",', n);
  }
  assert.equal(await dials(ada), 1);
  await ada.connected();
}, ["chromium"]);
