import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Browser } from "playwright-core";

import { launch } from "../support/browsers";
import { Server } from "../support/program";
import { Visitors } from "../support/visitors";

let server: Server;
let browser: Browser;
let visitors: Visitors;

before(async () => {
  server = await Server.start("http2");
  browser = await launch("chromium", { args: ["--ignore-certificate-errors"] });
  visitors = new Visitors(browser);
});
after(async () => {
  await visitors.close();
  await browser.close();
  await server.kill();
});

test("chromium opens WebSockets over its HTTP/2 connection", async () => {
  const { page } = await visitors.open(`https://127.0.0.1:${server.port}/`);
  const protocol = await page.evaluate(() => {
    const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    return navigation?.nextHopProtocol;
  });
  assert.equal(protocol, "h2");

  // Two at once: the first enters a room, the second speaks there.
  const received = await page.evaluate(async () => {
    const open = async () => {
      const socket = new WebSocket(`wss://${location.host}/probe`, "parlor.v1.json");
      const frames: unknown[][] = [];
      let added = () => {};
      socket.addEventListener("message", ({ data }) => {
        frames.push(JSON.parse(data as string) as unknown[]);
        added();
      });
      await new Promise((resolve, reject) => {
        socket.addEventListener("open", resolve);
        socket.addEventListener("close", ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`)));
      });
      const frame = async (event: string): Promise<unknown[]> => {
        for (;;) {
          const found = frames.find(([name]) => name === event);
          if (found) return found;
          await new Promise<void>((resolve) => (added = resolve));
        }
      };
      return { socket, frame };
    };
    const [ada, bob] = await Promise.all([open(), open()]);
    ada.socket.send(JSON.stringify(["enter", { room: "a" }, 1]));
    await ada.frame("$ok");
    bob.socket.send(JSON.stringify(["shout", { room: "a", text: "hi" }]));
    const [, said] = await ada.frame("said");
    const closed = new Promise<number>((resolve) =>
      ada.socket.addEventListener("close", ({ code }) => resolve(code)),
    );
    ada.socket.send(JSON.stringify(["quit", { code: 4321 }]));
    return { protocol: bob.socket.protocol, said, code: await closed };
  });
  assert.equal(received.protocol, "parlor.v1.json");
  assert.equal((received.said as { text: string }).text, "hi");
  assert.equal(received.code, 4321);
  const opened = server.lines.filter((line) => line.endsWith(" /probe"));
  assert.deepEqual(opened, ["HTTP/2.0 CONNECT /probe", "HTTP/2.0 CONNECT /probe"]);
});
