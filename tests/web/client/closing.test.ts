import assert from "node:assert/strict";

import { fixture, type AccountPage } from "./fixture";
import type { AppRouter } from "./api";

const accounts = fixture();
const { test } = accounts;

/** Connects a socket as ann, by the name `ann`. */
async function connect(visitor: AccountPage): Promise<void> {
  await visitor.page.evaluate(() => {
    const client = window.api.createClient<AppRouter>({
      baseUrl: "/api",
      identity: "ann",
      auth: () => window.tokenOf("ann"),
      maxReconnectAttempts: 1,
      reconnectInterval: 1,
    });
    window.watch("ann", client.account.$ws());
  });
  await visitor.logged("ann: connect new");
}

/** How a call fails, and `lastClose`. */
const outcome = ({ page }: AccountPage) =>
  page.evaluate(async () => {
    const socket = window.sockets.ann!;
    const result = await socket.tryCall("whoAmI");
    return [result.ok ? result.value : [result.error.code, result.error.close], socket.lastClose];
  });

test("callers get the code and the reason of a final close", async () => {
  const ann = await accounts.open();
  await connect(ann);
  await ann.page.evaluate(() => {
    window.sockets.ann!.emit("expire");
  });
  await ann.logged("ann: disconnect 4501, final");
  const close = { code: 4501, reason: "the token has expired", cause: "rejected" };
  assert.deepEqual(await outcome(ann), [["closed", close], close]);
});

test("a call in flight is rejected with the code and the reason of the close", async () => {
  const ann = await accounts.open();
  await connect(ann);
  const failure = await ann.page.evaluate(async () => {
    const socket = window.sockets.ann!;
    socket.emit("expire");
    const { error } = (await socket.tryCall("whoAmI")) as Extract<
      Awaited<ReturnType<typeof socket.tryCall<"whoAmI">>>,
      { ok: false }
    >;
    return [error.code, error.close];
  });
  assert.deepEqual(failure, ["closed", { code: 4501, reason: "the token has expired", cause: "rejected" }]);
});

test("close() is told apart from a rejection", async () => {
  const ann = await accounts.open();
  await connect(ann);
  await ann.page.evaluate(() => window.sockets.ann!.close(4000, "done"));
  const close = { code: 4000, reason: "done", cause: "closed" };
  assert.deepEqual(await outcome(ann), [["closed", close], close]);
});

test("a socket that gave up says so", async () => {
  const ann = await accounts.open();
  await connect(ann);
  accounts.proxy.refuse();
  accounts.proxy.cut();
  await ann.logged("ann: reconnectFailed");
  const lastClose = await ann.page.evaluate(() => window.sockets.ann!.lastClose);
  assert.deepEqual(lastClose, { code: 1006, reason: "", cause: "gaveUp" });
});

test("using closes a socket and removes a handler at the end of its block", async () => {
  const ann = await accounts.open();
  const supported = await ann.page.evaluate(() => Symbol.dispose !== undefined);
  assert.ok(supported);
  // The browsers parse it: the bundler would replace it.
  await ann.page.addScriptTag({
    type: "module",
    content: `
      const client = window.api.createClient({ baseUrl: "/api" });
      {
        using socket = window.watch("used", client.account.$ws());
        {
          using off = socket.on("noted", () => window.log.push("heard too much"));
        }
        socket.emit("note", { text: "after the handler" });
        await new Promise((resolve) => socket.once("noted", resolve));
      }
      window.log.push("left: " + window.sockets.used.status);`,
  });
  await ann.logged("left: closed");
  assert.deepEqual(await ann.log(), [
    "used: connect new",
    "used: guest wrote after the handler",
    "used: disconnect 1000, final",
    "left: closed",
  ]);
});
