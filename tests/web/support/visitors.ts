import assert from "node:assert/strict";

import type { Browser, BrowserContextOptions, Page } from "playwright-core";

import { failedConnection, stepTimeout } from "./browsers";
import { recordConnections } from "./connections";

/** A page that records its connections: see `connections.ts`. */
export interface Visitor {
  readonly page: Page;
}

export interface VisitorOptions extends BrowserContextOptions {
  /** Runs before the page is loaded. */
  prepare?: (page: Page) => Promise<unknown>;
  /** Runs in the page before its own scripts. */
  script?: string;
  /** Console messages that are not problems. */
  expected?: RegExp;
}

/** Opens pages, each in its own browser context, and collects their errors and warnings. */
export class Visitors {
  readonly #browser: Browser;
  #problems: string[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  async open(url: string, { prepare, script = "", expected, ...options }: VisitorOptions = {}): Promise<Visitor> {
    const context = await this.#browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    context.setDefaultTimeout(stepTimeout);
    await context.addInitScript({ content: recordConnections + script });
    const page = await context.newPage();
    page.on("pageerror", (error) => {
      if (!failedConnection.test(String(error))) this.#problems.push(String(error));
    });
    page.on("console", (message) => {
      if (failedConnection.test(message.text()) || expected?.test(message.text())) return;
      const { url } = message.location();
      // The icon is loaded last, perhaps while the test cuts connections.
      const isLateIcon = url.endsWith("/favicon.svg") && message.text().includes("net::ERR_CONNECTION_");
      if (isLateIcon || !["error", "warning"].includes(message.type())) return;
      this.#problems.push(`${message.text()} (${url})`);
    });
    await prepare?.(page);
    await page.goto(url);
    return { page };
  }

  /** Closes all pages. Fails if one of them had an error or a warning. */
  async close(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
    const problems = this.#problems;
    this.#problems = [];
    assert.deepEqual(problems, []);
  }
}

/** Stops the page's clock; needs `page.clock.install()`. */
export async function stopClock({ page }: Visitor): Promise<void> {
  // A clock can only be stopped in the future; how far depends on the speed of the machine.
  for (let ahead = 250; ; ahead *= 2) {
    try {
      return await page.clock.pauseAt((await page.evaluate(() => Date.now())) + ahead);
    } catch (error) {
      if (!String(error).includes("to the past")) throw error;
    }
  }
}
