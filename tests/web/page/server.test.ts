import assert from "node:assert/strict";
import { test } from "node:test";

import { stopClock } from "../support/visitors";
import { fixture } from "./fixture";

const chat = fixture();

test("the server is killed and restarted, and both go on chatting", async () => {
  // Ada comes back when we let her, so that Bob is there to hear what she says first.
  const ada = await chat.guest("ada", { port: chat.proxy.port });
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  chat.proxy.refuse();
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
  await ada.pending.waitFor({ state: "detached" });
  await ada.log.getByText("Connected again; messages may be missing").waitFor();
  await ada.problem.waitFor({ state: "detached" });

  await bob.say("Here I am");
  await ada.hears("Here I am");
  await ada.say("And I");
  await bob.hears("And I");
  const texts = await bob.log.locator(".text").allTextContents();
  assert.deepEqual(texts, ["Are you there?", "I can wait.", "Here I am", "And I"]);
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
