import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import type { Browser, Locator } from "playwright-core";
import { WebSocket } from "ws";

import { launch, stepTimeout } from "../support/browsers";
import { Visitors, type VisitorOptions } from "../support/visitors";
import { readBlocks, readTable } from "./blocks";
import { ChatPage } from "./chatPage";
import { Follower, freePort } from "./follower";

const guide = resolve("../../docs/web-app.md");
const blocks = readBlocks(guide);
/** The folder for screenshots, if they are wanted. */
const screenshots = process.env.PARLOR_SCREENSHOTS;

let port: number;
let follower: Follower;
let browser: Browser;
let visitors: Visitors;

before(async () => {
  port = await freePort();
  follower = new Follower(port);
  browser = await launch("chromium");
  visitors = new Visitors(browser);
});
after(async () => {
  await browser?.close();
  await follower?.end();
});

let followed = 0;
/** Follows the guide from where the last call has ended, up to the section. */
function followUpTo(section?: string): void {
  const end = section === undefined ? blocks.length : blocks.findIndex((block) => block.section === section);
  assert.ok(end >= followed, section);
  follower.follow(blocks.slice(followed, end));
  followed = end;
}

async function open(url: string, options?: VisitorOptions): Promise<ChatPage> {
  let chat: ChatPage | undefined;
  await visitors.open(url, {
    ...options,
    prepare: async (page) => {
      chat = new ChatPage(page);
      await options?.prepare?.(page);
    },
  });
  return chat!;
}

async function screenshot({ page }: ChatPage, name: string): Promise<void> {
  if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png` });
}

/** Replaces text in a file of the project. The file is never empty: Vite could read it then. */
function edit(file: string, from: string, to: string): void {
  const path = follower.path(file);
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(from), `${file} has no ${from}`);
  writeFileSync(path, text.replace(from, to), { flag: "r+" });
  truncateSync(path, Buffer.byteLength(text) + Buffer.byteLength(to) - Buffer.byteLength(from));
}

/** Edits a file, and waits for its effect in the page. */
async function editLive(file: string, from: string, to: string, effect: Locator): Promise<void> {
  edit(file, from, to);
  await effect.waitFor({ state: "attached" });
}

test("the server of the guide is built, writes its client and starts", async () => {
  followUpTo("3. The project of the page");
  await follower.programs.at(-1)!.line(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test("each setting of Vite's proxy has the result in the guide's table", async () => {
  followUpTo("Login");
  const results: string[][] = [];
  const rows = readTable(guide, "The proxy and the origin");
  for (const [setting = "", ...expected] of rows) {
    const proxy = new Function("target", `return ${setting}`)(`http://127.0.0.1:${port}`) as unknown;
    const dev = await startVite({ server: { host: "127.0.0.1", port: 0, proxy: { "/api": proxy } } });
    await dev.listen();
    const { port: devPort } = dev.httpServer.address();
    const result = [setting];
    for (const [index, host] of ["localhost:5173", "192.168.1.2:5173"].entries())
      result.push(await handshake(devPort, host, expected[index] === "no answer"));
    results.push(result);
    await dev.close();
  }
  assert.deepEqual(results, rows);
});

interface ViteServer {
  listen(): Promise<unknown>;
  close(): Promise<void>;
  ssrLoadModule(url: string): Promise<Record<string, unknown>>;
  httpServer: { address(): { port: number } };
}

/** Starts the Vite of the guide with this configuration instead of the guide's. */
async function startVite(config: object): Promise<ViteServer> {
  const path = follower.path("web/node_modules/vite/dist/node/index.js");
  const vite = (await import(pathToFileURL(path).href)) as { createServer(config: object): Promise<ViteServer> };
  return vite.createServer({ configFile: false, root: follower.path("web"), logLevel: "silent", ...config });
}

/** How a handshake of a page at `host` ends. Without a token the server answers 401 at best. */
const handshake = (port: number, host: string, short: boolean): Promise<string> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/chat`, {
      origin: `http://${host}`,
      headers: { host },
      handshakeTimeout: short ? 1000 : 60_000,
    });
    socket.on("error", ({ message }) => resolve(/timed out/.test(message) ? "no answer" : message));
    socket.on("unexpected-response", (request, response) => {
      let body = "";
      response.on("data", (part: Buffer) => (body += String(part)));
      response.on("end", () => {
        request.destroy();
        const [, header = "?"] = /this (\w+) is not allowed/.exec(body) ?? [];
        resolve(response.statusCode === 401 ? "connects" : `${response.statusCode}: ${header}`);
      });
    });
  });

test("an edit in development replaces the component and keeps the connection", async () => {
  followUpTo("5. A test of a component");
  const [, url = ""] = await follower.programs.at(-1)!.line(/Local:\s+(http:\S+)/);
  const ada = await open(url);
  await ada.logIn("Ada");
  await ada.people("Ada");
  await ada.text.fill("half a sentence");

  const titled = (title: string) => ada.page.locator(`html[title=${title}]`);
  const titles = (title: string) => `document.documentElement.title = "${title}";\nexport`;
  await editLive("web/src/Composer.tsx", ">Send<", ">Send it<", ada.page.getByRole("button", { name: "Send it" }));
  await editLive("web/src/ChatPage.tsx", "<h1>Chat</h1>", "<h1>My chat</h1>", ada.page.getByText("My chat"));
  await editLive("web/src/client.ts", "export", titles("client"), titled("client"));
  assert.equal(await ada.text.inputValue(), "half a sentence");
  await ada.text.press("Enter");
  await ada.message("half a sentence");
  await connections(ada, false);

  // A socket of a module, which runs again.
  edit("web/src/ChatPage.tsx", "import", 'import "./socket";\nimport');
  await editLive("web/src/ChatPage.tsx", "<h1>My chat</h1>", "<h1>Two sockets</h1>", ada.page.getByText("Two sockets"));
  await editLive("web/src/socket.ts", "export", titles("socket"), titled("socket"));
  await connections(ada, false, false);

  await visitors.close();
  for (const program of follower.programs) await program.kill();
  edit("web/src/ChatPage.tsx", 'import "./socket";\n', "");
  edit("web/src/ChatPage.tsx", "<h1>Two sockets</h1>", "<h1>Chat</h1>");
  edit("web/src/Composer.tsx", ">Send it<", ">Send<");
  edit("web/src/client.ts", titles("client"), "export");
  edit("web/src/socket.ts", titles("socket"), "export");
});

/** Waits until the states of the connections, whether they are closed, are these. */
async function connections(chat: ChatPage, ...closed: boolean[]): Promise<void> {
  const states = () => chat.connections.map((connection) => connection.isClosed());
  const end = Date.now() + stepTimeout;
  while (states().join() !== closed.join() && Date.now() < end)
    await chat.page.evaluate(() => new Promise(requestAnimationFrame));
  assert.deepEqual(states(), closed);
}

test("the test of a component passes", () => {
  followUpTo("6. Production");
});

test("the component for Next.js renders on a server without connecting", async () => {
  const [, component = ""] = /```tsx\n\/\/ app\/room\.tsx\n([^]*?)```/.exec(readFileSync(guide, "utf8")) ?? [];
  follower.write("web/src/app/room.tsx", component);
  follower.write(
    "web/src/app/html.tsx",
    `import { renderToString } from "react-dom/server";
    import { Room } from "./room";
    export const html = renderToString(<Room room="general" />);`,
  );
  let dials = 0;
  const { WebSocket: original } = globalThis;
  Object.assign(globalThis, { WebSocket: class { constructor() { dials++; } } });
  const dev = await startVite({ server: { middlewareMode: true } });
  const { html } = await dev.ssrLoadModule("/src/app/html.tsx");
  await dev.close();
  Object.assign(globalThis, { WebSocket: original });
  assert.equal(html, "<p>general<!-- -->: <!-- -->connecting</p>");
  assert.equal(dials, 0);
});

test("the production page works from login to logout, through a reload and a restart of the server", async () => {
  followUpTo();
  let server = follower.programs.at(-1)!;
  await server.line(/^http:/);
  const url = `http://127.0.0.1:${port}/`;
  // The client warns of a server that is away.
  const options = { expected: /^Parlor: / };
  const ada = await open(url, options);
  const bob = await open(url, { ...options, colorScheme: "dark" });
  await ada.logIn("Ada");
  await ada.people("Ada");
  await bob.logIn("Bob");
  await ada.people("Ada", "Bob");
  await bob.people("Ada", "Bob");

  await ada.send("Good morning! The build is green.");
  await bob.message("Good morning! The build is green.");
  await bob.send("Then we can show it today.");
  await ada.message("Then we can show it today.");
  await ada.send("At eleven?");
  await bob.message("At eleven?");
  await bob.send("Eleven is fine. I bring the slides.");
  await ada.message("Eleven is fine. I bring the slides.");
  await screenshot(ada, "light");
  await screenshot(bob, "dark");

  // Errors: of the contract's rule, of a handler with a type, of another call.
  await ada.send("x".repeat(501));
  await ada.alert("A message has 1 to 500 characters.");
  for (let count = 0; count < 4; count++) {
    await bob.send(`Again ${count}`);
    if (count < 3) await ada.message(`Again ${count}`);
  }
  await bob.alert(/^Too many messages\. Wait \d+ s\.$/);
  await screenshot(bob, "too-fast");
  await bob.page.goto(`${url}#cellar`);
  await bob.alert("There is no room cellar");
  await ada.people("Ada");
  await bob.page.goto(`${url}#general`);
  await ada.people("Ada", "Bob");

  // A reload: the login stays, and so do the messages.
  await ada.page.reload();
  await ada.connected();
  await ada.message("At eleven?");
  await ada.people("Ada", "Bob");

  // A restart: what was sent in the meantime arrives, once.
  assert.equal((await ada.messages()).at(-1), "Again 2");
  await server.kill();
  await ada.page.getByText("reconnecting").waitFor();
  await ada.send("Sent while the server is away");
  await screenshot(ada, "away");
  server = follower.startAgain();
  await server.line(/^http:/);
  await ada.connected();
  await ada.message("Sent while the server is away");
  await bob.message("Sent while the server is away");
  assert.deepEqual(await bob.messages(), ["Sent while the server is away"]);
  await ada.people("Ada", "Bob");

  // A refused token: the page gets another one, and connects.
  const eve = await open(url, { ...options, prepare: refuseFirstToken });
  await eve.logIn("Eve");
  assert.equal(eve.connections.length, 2);
  await ada.people("Ada", "Bob", "Eve");

  // A logout and a login: another user, another session.
  await eve.page.getByRole("button", { name: "Log out" }).click();
  await ada.people("Ada", "Bob");
  await eve.logIn("Mallory");
  await ada.people("Ada", "Bob", "Mallory");
  await eve.send("It is me");
  await ada.message("It is me");
  assert.equal(await ada.page.getByText("Mallory", { exact: true }).count(), 2);

  await visitors.close();
});

/** Gives the page a token that has expired, the first time that it has a login. */
async function refuseFirstToken(page: ChatPage["page"]): Promise<void> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: "Eve", aud: "access", exp: 1 })}`;
  const signature = createHmac("sha256", "another secret").update(unsigned).digest("base64url");
  let refused = false;
  await page.route("**/auth/token", async (route) => {
    const response = await route.fetch();
    if (refused || (await response.text()) === "null") return route.fulfill({ response });
    refused = true;
    return route.fulfill({ json: { user: "Eve", token: `${unsigned}.${signature}` } });
  });
}
