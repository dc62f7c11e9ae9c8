import assert from "node:assert/strict";

import { dials } from "../support/connections";
import { fixture } from "./fixture";
import { answer, press } from "./panels";
import type { AppRouter } from "./api";

const accounts = fixture();
const { test } = accounts;

test("two components of two users have two connections, and each calls as its own user", async () => {
  const visitor = await accounts.open("#by-user");
  await answer(visitor, "first", "ann in no room");
  await answer(visitor, "second", "bob in no room");
  await answer(visitor, "first", "ann in no room");
  // StrictMode mounts each twice.
  assert.equal(await dials(visitor), 2);
});

test("after logout and login in one page, calls run as the new user", async () => {
  const visitor = await accounts.open("#by-user");
  await answer(visitor, "first", "ann in no room");
  await press(visitor, "Log out");
  await answer(visitor, "first", "guest in no room");
  await press(visitor, "Log in as eve");
  await answer(visitor, "first", "eve in no room");
  await answer(visitor, "second", "bob in no room");
  await press(visitor, "Note first");
  await accounts.server.line(/: by first$/);
  assert.ok(accounts.server.lines.includes('eve in "": by first'));
  assert.ok(!accounts.server.lines.some((line) => /^(ann|bob) /.test(line)), accounts.server.lines.join("\n"));
});

test("what the old user has queued is dropped and reported, and no call runs as another user", async () => {
  const visitor = await accounts.open();
  const { page } = visitor;
  await page.evaluate(() => {
    let user: string | null = "ann";
    const client = window.api.createClient<AppRouter>({
      baseUrl: "/api",
      identity: () => user,
      auth: () => user && window.tokenOf(user),
      reconnectInterval: 10,
    });
    const socket = window.watch("page", client.account.$ws());
    socket.on("error", ({ code, event }) => {
      if (code !== "connect") window.log.push(`error ${code} ${event}`);
    });
    Object.assign(window, { login: (name: string | null) => (user = name) });
  });
  await visitor.logged("page: connect new");
  assert.deepEqual(await page.evaluate(() => window.sockets.page!.call("whoAmI")), ["ann", ""]);

  accounts.proxy.refuse();
  accounts.proxy.cut();
  await visitor.logged("page: disconnect 1006");
  await page.evaluate(() => {
    const socket = window.sockets.page!;
    socket.emit("note", { text: "queued by ann" });
    socket.call("whoAmI").then(
      ([user]) => window.log.push(`ann's call ran as ${user}`),
      ({ code }) => window.log.push(`ann's call: ${code}`),
    );
    (window as unknown as { login(name: string): void }).login("eve");
    socket.emit("note", { text: "queued by eve" });
    socket.call("whoAmI").then(([user]) => window.log.push(`eve's call ran as ${user}`));
  });
  accounts.proxy.refuse(false);
  await visitor.logged("eve's call ran as eve");
  await visitor.logged("page: eve wrote queued by eve");
  const log = await visitor.log();
  assert.ok(log.includes("error identity note"), log.join("\n"));
  assert.ok(log.includes("ann's call: identity"), log.join("\n"));
  assert.ok(!log.some((entry) => entry.includes("queued by ann")), log.join("\n"));
});

test("a connection of the old user is closed when the identity changes, also without traffic", async () => {
  const visitor = await accounts.open();
  const { page } = visitor;
  await page.evaluate(() => {
    let user = "ann";
    const client = window.api.createClient<AppRouter>({
      baseUrl: "/api",
      identity: () => user,
      auth: () => window.tokenOf(user),
    });
    window.watch("page", client.account.$ws());
    Object.assign(window, { login: (name: string) => (user = name) });
  });
  await visitor.logged("page: connect new");
  await page.evaluate(() => {
    (window as unknown as { login(name: string): void }).login("eve");
    window.sockets.page!.connect();
  });
  await visitor.logged("page: disconnect 1000");
  await page.waitForFunction(() => window.log.filter((entry) => entry === "page: connect new").length === 2);
  assert.deepEqual(await page.evaluate(() => window.sockets.page!.call("whoAmI")), ["eve", ""]);
});

test("a token of another user than the identity's first one is warned of, without the token", async () => {
  const visitor = await accounts.open();
  await visitor.page.evaluate(() => {
    let user = "ann";
    const client = window.api.createClient<AppRouter>({
      baseUrl: "/api",
      identity: "the only user",
      auth: () => window.tokenOf(user),
      reconnectInterval: 10,
    });
    window.watch("page", client.account.$ws());
    Object.assign(window, { login: (name: string) => (user = name) });
  });
  await visitor.logged("page: connect new");
  await visitor.page.evaluate(() => (window as unknown as { login(name: string): void }).login("eve"));
  accounts.proxy.cut();
  await visitor.page.waitForFunction(() => window.connections.filter(({ session }) => session).length === 2);
  const warnings = visitor.messages.filter((message) => message.text().startsWith("Parlor"));
  assert.deepEqual(warnings.map((message) => message.type()), ["warning"]);
  assert.match(warnings[0]!.text(), /identity/);
  assert.ok(!warnings[0]!.text().includes("eyJ"), warnings[0]!.text());
});
