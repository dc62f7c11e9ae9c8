import assert from "node:assert/strict";

import {
  chromium,
  type Browser,
  type BrowserContextOptions,
  type LaunchOptions,
  type Page,
  type WebSocket,
} from "playwright-core";

/** How long a page may take for what should come at once, in ms: this machine may be busy. */
export const patience = 40_000;

export const launch = (options: LaunchOptions = {}): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    ...options,
    args: ["--no-sandbox", ...(options.args ?? [])],
  });

/** A page, and what became of it. */
export interface Visitor {
  readonly page: Page;
  /** Its WebSockets, one for each attempt to connect. */
  readonly sockets: readonly WebSocket[];
}

export interface VisitorOptions extends BrowserContextOptions {
  /** Before anything of the page is there. */
  prepare?: (page: Page) => Promise<unknown>;
  /** Runs in the page before its own scripts. */
  script?: string;
  /** What the page may complain of. */
  expected?: RegExp;
}

/** Those who look at pages, each in a browser context of their own. */
export class Visitors {
  readonly #browser: Browser;
  #troubles: string[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  async open(url: string, { prepare, script, expected, ...options }: VisitorOptions = {}): Promise<Visitor> {
    const context = await this.#browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    context.setDefaultTimeout(patience);
    if (script) await context.addInitScript({ content: script });
    const page = await context.newPage();
    const sockets: WebSocket[] = [];
    page.on("websocket", (socket) => sockets.push(socket));
    page.on("pageerror", (error) => this.#troubles.push(String(error)));
    page.on("console", (message) => {
      // The browser itself says this of each connection that fails; no page can keep it from it.
      const failed = /^WebSocket connection to 'ws:.*' failed: /.test(message.text());
      if (failed || expected?.test(message.text())) return;
      const { url } = message.location();
      // It is fetched after all else, perhaps while the test cuts what the page has of connections.
      const isLateIcon = url.endsWith("/favicon.svg") && message.text().includes("net::ERR_CONNECTION_");
      if (isLateIcon || !["error", "warning"].includes(message.type())) return;
      this.#troubles.push(`${message.text()} (${url})`);
    });
    await prepare?.(page);
    await page.goto(url);
    return { page, sockets };
  }

  /** Closes all pages; fails if one of them complained, as browsers do of what their policies forbid. */
  async leave(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
    const troubles = this.#troubles;
    this.#troubles = [];
    assert.deepEqual(troubles, []);
  }
}

/** From here on no timer of the page's fires by itself; needs `page.clock.install()`. */
export async function stopClock({ page }: Visitor): Promise<void> {
  // A clock can be stopped in the future only, and how far off that is depends on the machine.
  for (let ahead = 250; ; ahead *= 2) {
    try {
      return await page.clock.pauseAt((await page.evaluate(() => Date.now())) + ahead);
    } catch (error) {
      if (!String(error).includes("to the past")) throw error;
    }
  }
}
