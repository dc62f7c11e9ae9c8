import assert from "node:assert/strict";
import { test } from "node:test";

import { connections, sessions, watched } from "../support/connections";
import { stopClock } from "../support/visitors";
import { fixture } from "./fixture";

const chat = fixture();

test("the server is killed and restarted, and both go on chatting", async () => {
  // Ada comes back when we let her, so that Bob is there to hear what she says first.
  const ada = await chat.guest("ada", { port: chat.proxy.port, script: watched });
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  chat.proxy.swallow();
  await ada.say("Did you hear it?");
  await ada.pending.getByText("Sending…").waitFor();
  chat.proxy.refuse();
  chat.proxy.cut();
  await chat.server.kill();
  await ada.problem.waitFor();
  await bob.problem.waitFor();
  await ada.log.getByText("Connection lost (1006)").waitFor();

  await ada.say("Are you there?");
  await ada.say("I can wait.");
  await ada.pending.getByText("Waiting for the connection").first().waitFor();
  chat.server = await chat.server.restart();
  await bob.connected();
  chat.proxy.refuse(false);
  await ada.connected();
  await bob.hears("Are you there?");
  await bob.hears("I can wait.");
  await ada.hears("I can wait.");
  await ada.sees("bob");
  await bob.sees("ada");
  await ada.log.getByText("Connected again; messages may be missing").waitFor();
  await ada.problem.waitFor({ state: "detached" });
  assert.deepEqual(await sessions(ada), ["new", "unknown"]);

  // Nobody knows whether it had arrived, so it is left to Ada.
  const doubtful = ada.pending.getByRole("listitem");
  await doubtful.getByText("Cut off on its way: perhaps not delivered").waitFor();
  assert.equal(await doubtful.count(), 1);
  await ada.page.getByRole("button", { name: "Send again" }).click();
  await bob.hears("Did you hear it?");
  await ada.pending.waitFor({ state: "detached" });

  await bob.say("Here I am");
  await ada.hears("Here I am");
  await ada.say("And I");
  await bob.hears("And I");
  await ada.hears("And I");
  const all = ["Are you there?", "I can wait.", "Did you hear it?", "Here I am", "And I"];
  assert.deepEqual([await ada.said(), await bob.said()], [all, all]);
});

test("a server that goes away says when to come back, and is not dialled before", async () => {
  const ada = await chat.guest("ada", { script: watched, prepare: (page) => page.clock.install() });
  await ada.sees("ada");
  await stopClock(ada);
  chat.server.signal("SIGINT");
  await ada.log.getByText("Connection lost (the server shuts down)").waitFor();
  await chat.server.ended();
  chat.server = await chat.server.restart();
  const [{ code, reason = "" } = {}] = await connections(ada);
  const wait = Number(/; retry in (\d+) ms$/.exec(reason)?.[1]);
  assert.equal(code, 1012);
  assert.ok(wait >= 0 && wait <= 5_000, reason);

  // Its own first wait would be 100 ms.
  await ada.page.clock.runFor(Math.max(wait - 1, 0));
  if (wait) assert.equal((await connections(ada)).length, 1);
  await ada.page.clock.runFor(1);
  await ada.connected();
  await ada.say("back");
  await ada.hears("back");
  assert.deepEqual(await sessions(ada), ["new", "new"]);
});

test("a server that stops is noticed within the heartbeat and its timeout", async () => {
  // The page's defaults are 30 s of silence and 10 s for an answer: its clock is ours.
  const ada = await chat.guest("ada", { prepare: (page) => page.clock.install() });
  const pings: string[] = [];
  ada.sockets[0]!.on("framesent", ({ payload }) => {
    if (/^\["ping",/.test(String(payload))) pings.push(String(payload));
  });
  // Time stands still from the last sign of life on.
  await stopClock(ada);
  await ada.say("before");
  await ada.hears("before");

  await chat.server.stop();
  try {
    await ada.page.clock.runFor(29_900);
    assert.deepEqual(pings, []);
    await ada.page.clock.runFor(200);
    assert.deepEqual(pings, ['["ping",1]']);
    await ada.page.clock.runFor(9_800);
    assert.equal(await ada.problem.isVisible(), false);
    await ada.page.clock.runFor(200);
    await ada.problem.waitFor();
    await ada.log.getByText("Connection lost (heartbeat missed)").waitFor();
    await ada.say("meanwhile");
  } finally {
    chat.server.signal("SIGCONT");
  }
  await ada.page.clock.resume();
  await ada.connected();
  await ada.hears("meanwhile");
  await ada.say("after");
  await ada.hears("after");
  assert.equal(ada.sockets.length, 2);
});

test("a server that answers is left in peace for an hour", async () => {
  const ada = await chat.guest("ada", { prepare: (page) => page.clock.install() });
  let pongs = 0;
  ada.sockets[0]!.on("framereceived", ({ payload }) => {
    if (/^\["pong",/.test(String(payload))) pongs++;
  });
  await stopClock(ada);
  for (let n = 1; n <= 120; n++) {
    const pong = ada.sockets[0]!.waitForEvent("framereceived", {
      predicate: ({ payload }) => /^\["pong",/.test(String(payload)),
    });
    await ada.page.clock.runFor(30_000);
    await pong;
  }
  assert.ok(pongs >= 120);
  assert.equal(ada.sockets.length, 1);
  await ada.connected();
});
