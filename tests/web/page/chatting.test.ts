import assert from "node:assert/strict";
import { test } from "node:test";

import { build } from "esbuild";

import { fixture } from "./fixture";

const chat = fixture();

test("two people chat", async () => {
  const ada = await chat.guest("ada");
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  await bob.sees("ada");

  await ada.say("Hello, Bob! 👋🏽");
  await bob.hears("Hello, Bob! 👋🏽");
  await bob.say("Hi, Ada");
  await ada.hears("Hi, Ada");
  await ada.hears("Hello, Bob! 👋🏽");
  await ada.pending.waitFor({ state: "detached" });

  assert.deepEqual([ada.sockets.length, bob.sockets.length], [1, 1]);
});

test("whoever loads the page anew, goes elsewhere or closes the tab has left at once", async () => {
  const ada = await chat.guest("ada");
  const bob = await chat.guest("bob");
  await ada.sees("bob");
  await bob.page.reload();
  await bob.connected();
  await bob.sees("ada");
  await bob.page.goto("about:blank");
  await bob.page.goto(`http://${chat.server.address}/`);
  await bob.connected();
  await bob.sees("ada");
  // A session that was kept would be a second Bob.
  const visits = ["bob came in", "bob left", "bob came in", "bob left", "bob came in"];
  await ada.log.getByText("bob came in").nth(2).waitFor();
  assert.deepEqual(await ada.notices(), visits);

  await bob.page.close();
  // In less time than sessions are kept.
  await ada.people.getByText("bob").waitFor({ state: "detached", timeout: 20_000 });
  assert.deepEqual(await ada.notices(), [...visits, "bob left"]);
});

test("rooms are apart, and say what is unread", async () => {
  const ada = await chat.guest("ada");
  const bob = await chat.guest("bob");
  await ada.enter("tea");
  await bob.enter("tea");
  await ada.page.getByRole("link", { name: "general" }).click();
  await bob.say("Oolong?");
  await bob.hears("Oolong?");
  await ada.page.getByRole("link", { name: "tea 1 unread" }).click();
  await ada.hears("Oolong?");
});

test("what is too long is not sent, and stays to be mended", async () => {
  const ada = await chat.guest("ada");
  const frames: string[] = [];
  ada.sockets[0]!.on("framesent", ({ payload }) => frames.push(String(payload)));
  await ada.say("😀".repeat(1001));
  await ada.page.getByRole("alert").getByText("Not sent: it must have from 1 to 1000 characters").waitFor();
  assert.equal(await ada.composer.inputValue(), "😀".repeat(1001));
  await ada.say("😀".repeat(1000));
  await ada.hears("😀".repeat(1000));
  assert.equal(frames.length, 1);
});

test("StrictMode opens one connection", async () => {
  const { outputFiles } = await build({
    entryPoints: ["../../examples/chat/web/src/main.tsx"],
    bundle: true,
    write: false,
    outdir: "unwritten",
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
    nodePaths: ["node_modules"],
    logLevel: "error",
  });
  const body = outputFiles.find(({ path }) => path.endsWith(".js"))!.text;
  // Of its two mounts of each component, the production build knows nothing.
  assert.match(body, /doubleInvokeEffects/);
  const ada = await chat.guest("ada", {
    prepare: (page) =>
      page.route("**/app.js", (route) => route.fulfill({ contentType: "text/javascript", body })),
  });
  await ada.say("Only once");
  await ada.hears("Only once");
  assert.equal(ada.sockets.length, 1);
  assert.equal(await ada.log.getByText("Only once").count(), 1);

  await ada.page.getByRole("button", { name: "Change name, ada" }).click();
  await ada.page.getByRole("textbox", { name: "Your name" }).fill("eve");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await ada.sees("eve");
  assert.equal(ada.sockets.length, 2);
  if (!ada.sockets[0]!.isClosed()) await ada.sockets[0]!.waitForEvent("close");
  assert.equal(ada.sockets[1]!.isClosed(), false);
});
