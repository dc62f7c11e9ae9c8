import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { WebSocketServer } from "ws";

import { allClosed, dials } from "../support/connections";
import { fill } from "../support/fill";
import { fixture } from "./fixture";

const chat = fixture();
const { test } = chat;

/** Serves the page's files, and a procedure that rejects every connection. */
async function rejectingServer() {
  const kinds: Record<string, string> = {
    "/index.html": "text/html",
    "/app.css": "text/css",
    "/app.js": "text/javascript",
    "/favicon.svg": "image/svg+xml",
  };
  const http = createServer(({ url = "/" }, response) => {
    const path = url === "/" ? "/index.html" : url;
    response.setHeader("content-type", kinds[path] ?? "text/plain");
    response.end(readFileSync(`../../examples/chat/web/dist${path}`));
  });
  const sockets = new WebSocketServer({ server: http, handleProtocols: () => "parlor.v1.json" });
  const server = {
    attempts: 0,
    port: 0,
    close() {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      http.closeAllConnections();
      http.close();
    },
  };
  sockets.on("connection", (socket) => {
    server.attempts++;
    socket.close(4501, "the invitation has expired");
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  server.port = (http.address() as AddressInfo).port;
  return server;
}

test("a page that is rejected with 4501 shows the reason and does not reconnect", async () => {
  const server = await rejectingServer();
  try {
    const ada = await chat.open({ port: server.port, prepare: (page) => page.clock.install() });
    await fill(ada.page.getByRole("textbox", { name: "Your name" }), "ada");
    await ada.page.getByRole("button", { name: "Come in" }).click();
    await ada.status.getByText("Closed: the invitation has expired").waitFor();
    await ada.problem.getByText("The connection is closed: the invitation has expired").waitFor();

    // Neither time nor events of the page cause another dial.
    await ada.page.clock.fastForward(600_000);
    await ada.page.evaluate(() => {
      for (const type of ["online", "pageshow"]) dispatchEvent(new Event(type));
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    });
    await ada.page.clock.runFor(60_000);
    assert.deepEqual([server.attempts, await dials(ada)], [1, 1]);

    await ada.page.getByRole("button", { name: "Connect again" }).click();
    await ada.page.waitForFunction(() => window.connections.length === 2);
    await allClosed(ada);
    await ada.status.getByText("Closed: the invitation has expired").waitFor();
    await ada.page.clock.runFor(60_000);
    assert.deepEqual([server.attempts, await dials(ada)], [2, 2]);
  } finally {
    server.close();
  }
});
