import assert from "node:assert/strict";

import { fixture, type AccountPage } from "./fixture";
import type { AppRouter } from "./api";

const accounts = fixture();
const { test } = accounts;

/** All messages of the console, with their arguments. */
async function printed({ messages }: AccountPage): Promise<string> {
  const values = messages.flatMap((message) => message.args().map((value) => value.jsonValue()));
  return [...messages.map((message) => message.text()), JSON.stringify(await Promise.all(values))].join("\n");
}

test("a token in an error that auth throws is not printed", async () => {
  const visitor = await accounts.open();
  await visitor.page.evaluate(() => {
    const client = window.api.createClient<AppRouter>({
      baseUrl: "/api",
      identity: "ann",
      auth: () => {
        throw new Error(`the refresh failed: ${window.tokenOf("ann")}`);
      },
      reconnectInterval: 1,
    });
    const socket = client.account.$ws();
    let attempts = 0;
    socket.on("reconnecting", () => {
      if (++attempts === 5) window.log.push("five attempts");
    });
  });
  await visitor.logged("five attempts");
  const own = visitor.messages.map((message) => message.text()).filter((text) => text.startsWith("Parlor"));
  assert.equal(own.length, 1, own.join("\n"));
  const all = await printed(visitor);
  assert.match(all, /Parlor/);
  assert.ok(!all.includes("eyJ"), all);
});

test("debug: true prints the frames in groups, without payloads and secrets", async () => {
  const visitor = await accounts.open();
  await visitor.page.evaluate(() => {
    const client = window.api.createClient<AppRouter>({
      baseUrl: "/api",
      identity: "ann",
      auth: () => window.tokenOf("ann"),
      debug: true,
    });
    window.watch("ann", client.account.$ws()).emit("note", { text: "a private text" });
  });
  await visitor.logged("ann: ann wrote a private text");
  await visitor.page.waitForFunction(() => window.sockets.ann!.connected);
  // The server's answer comes after all frames before it.
  await visitor.page.evaluate(() => window.sockets.ann!.call("whoAmI"));
  const types = visitor.messages.map((message) => message.type());
  assert.match(types.join(), /groupCollapsed/i);
  const all = await printed(visitor);
  for (const name of ["note", "noted", "whoAmI", "$welcome"]) assert.ok(all.includes(name), `${name} in ${all}`);
  for (const secret of ["eyJ", "parlor.bearer.ey", "a private text"]) assert.ok(!all.includes(secret), all);
  const [welcome] = await visitor.page.evaluate(() => window.connections[0]!.received);
  const { resume } = JSON.parse(welcome!)[1];
  assert.ok(!all.includes(resume), all);
});

test("debug: true with debugPayloads prints payloads, and no secrets", async () => {
  const visitor = await accounts.open();
  await visitor.page.evaluate(() => {
    const client = window.api.createClient<AppRouter>({
      baseUrl: "/api",
      identity: "ann",
      auth: () => window.tokenOf("ann"),
      debug: true,
      debugPayloads: true,
    });
    window.watch("ann", client.account.$ws()).emit("note", { text: "a text" });
  });
  await visitor.logged("ann: ann wrote a text");
  await visitor.page.evaluate(() => window.sockets.ann!.call("whoAmI"));
  const all = await printed(visitor);
  assert.ok(all.includes("a text"), all);
  const [welcome] = await visitor.page.evaluate(() => window.connections[0]!.received);
  const { resume } = JSON.parse(welcome!)[1];
  for (const secret of ["eyJ", resume]) assert.ok(!all.includes(secret), all);
});
