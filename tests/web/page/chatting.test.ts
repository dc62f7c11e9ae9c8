import assert from "node:assert/strict";

import { build } from "esbuild";

import { connections, dials } from "../support/connections";
import { fill } from "../support/fill";
import { fixture } from "./fixture";

const chat = fixture();
const { test } = chat;

test("two pages exchange messages", async () => {
  const ada = await chat.guest("ada");
  const bob = await chat.guest("bob");
  await ada.waitForPerson("bob");
  await bob.waitForPerson("ada");

  await ada.send("Hello, Bob! 👋🏽");
  await bob.waitForMessage("Hello, Bob! 👋🏽");
  await bob.send("Hi, Ada");
  await ada.waitForMessage("Hi, Ada");
  await ada.waitForMessage("Hello, Bob! 👋🏽");
  await ada.pending.waitFor({ state: "detached" });

  assert.deepEqual([await dials(ada), await dials(bob)], [1, 1]);
});

// Firefox closes a WebSocket with 1001 before `pagehide`, and the server keeps such a session.
test("reloading, leaving or closing the page leaves the room at once", async () => {
  const ada = await chat.guest("ada");
  const bob = await chat.guest("bob");
  await ada.waitForPerson("bob");
  await bob.page.reload();
  await bob.connected();
  await bob.waitForPerson("ada");
  await bob.page.goto("about:blank");
  await bob.page.goto(`http://${chat.server.address}/`);
  await bob.connected();
  await bob.waitForPerson("ada");
  // A session that was not ended would be a second Bob.
  const visits = ["bob came in", "bob left", "bob came in", "bob left", "bob came in"];
  await ada.log.getByText("bob came in").nth(2).waitFor();
  assert.deepEqual(await ada.notices(), visits);

  await bob.page.close();
  // Less than the recovery window.
  await ada.people.getByText("bob").waitFor({ state: "detached", timeout: 20_000 });
  assert.deepEqual(await ada.notices(), [...visits, "bob left"]);
}, ["chromium"]);

test("rooms are separate, and show unread messages", async () => {
  const ada = await chat.guest("ada");
  const bob = await chat.guest("bob");
  await ada.enter("tea");
  await bob.enter("tea");
  await ada.page.getByRole("link", { name: "general" }).click();
  await bob.send("Oolong?");
  await bob.waitForMessage("Oolong?");
  await ada.page.getByRole("link", { name: "tea 1 unread" }).click();
  await ada.waitForMessage("Oolong?");
});

test("a text that is too long is not sent and stays in the composer", async () => {
  const ada = await chat.guest("ada");
  const sent = async () => (await connections(ada))[0]!.sent.length;
  const before = await sent();
  await ada.send("😀".repeat(1001));
  await ada.page.getByRole("alert").getByText("Not sent: it must have from 1 to 1000 characters").waitFor();
  assert.equal(await ada.composer.inputValue(), "😀".repeat(1001));
  await ada.send("😀".repeat(1000));
  await ada.waitForMessage("😀".repeat(1000));
  assert.equal(await sent(), before + 1);
});

test("under StrictMode the page opens one connection", async () => {
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
  // Only the development build mounts each component twice.
  assert.match(body, /doubleInvokeEffects/);
  const ada = await chat.guest("ada", {
    prepare: (page) =>
      page.route("**/app.js", (route) => route.fulfill({ contentType: "text/javascript", body })),
  });
  await ada.send("Only once");
  await ada.waitForMessage("Only once");
  assert.equal(await dials(ada), 1);
  assert.equal(await ada.log.getByText("Only once").count(), 1);

  await ada.page.getByRole("button", { name: "Change name, ada" }).click();
  await fill(ada.page.getByRole("textbox", { name: "Your name" }), "eve");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await ada.waitForPerson("eve");
  assert.equal(await dials(ada), 2);
  await ada.page.waitForFunction(() => window.connections[0]!.code !== undefined);
  assert.equal((await connections(ada))[1]!.code, undefined);
});
