import { after, afterEach, before, beforeEach } from "node:test";

import { build } from "esbuild";
import type { Browser, ConsoleMessage } from "playwright-core";

import { browserNames, type BrowserName } from "../support/browsers";
import { browserTests, type LaunchOptionsOf } from "../support/browserTests";
import { Server } from "../support/program";
import { Proxy } from "../support/proxy";
import { Visitors, type Visitor, type VisitorOptions } from "../support/visitors";

// For the members of `window`.
import type {} from "./page";

const script = "node_modules/.tests/client/page.js";

/** A page of the accounts server, its console messages, and what its sockets logged. */
export interface AccountPage extends Visitor {
  readonly messages: ConsoleMessage[];
  log(): Promise<string[]>;
  /** Waits for an entry of the log. */
  logged(text: string): Promise<void>;
}

export interface Fixture {
  /** Registers a test that runs in each of the browsers. */
  test(title: string, run: (name: BrowserName) => Promise<void>): void;
  server: Server;
  /** A proxy in front of the server. */
  proxy: Proxy;
  /** Opens the page through the proxy, with the component of the hash. */
  open(hash?: string, options?: VisitorOptions): Promise<AccountPage>;
}

/** The accounts server, a proxy in front of it and the browsers, for the tests of one file. */
export function fixture(options: LaunchOptionsOf = {}): Fixture {
  const testInBrowsers = browserTests(options);
  let visitors: Visitors;
  const accounts: Fixture = {
    server: undefined as unknown as Server,
    proxy: undefined as unknown as Proxy,
    test(title, run) {
      const inBrowser = async (browser: Browser, name: BrowserName) => {
        visitors = new Visitors(browser);
        await run(name);
      };
      testInBrowsers(title, inBrowser, browserNames);
    },
    async open(hash = "", { prepare, ...options } = {}) {
      const messages: ConsoleMessage[] = [];
      const visitor = await visitors.open(`http://127.0.0.1:${accounts.proxy.port}/${hash}`, {
        // The tests of logs read the messages.
        expected: /^Parlor/,
        ...options,
        prepare: async (page) => {
          page.on("console", (message) => messages.push(message));
          await prepare?.(page);
        },
      });
      const { page } = visitor;
      // Firefox may report the load before the script has run.
      await page.waitForFunction(() => window.api !== undefined);
      return {
        ...visitor,
        messages,
        log: () => page.evaluate(() => window.log),
        logged: async (text) => {
          await page.waitForFunction((text) => window.log.includes(text), text);
        },
      };
    },
  };
  before(async () => {
    await build({
      entryPoints: ["client/page.tsx"],
      outfile: script,
      bundle: true,
      format: "esm",
      target: "es2022",
      jsx: "automatic",
      define: { "process.env.NODE_ENV": '"development"' },
      logLevel: "error",
    });
    accounts.server = await Server.start("accounts", 0, script);
    accounts.proxy = await Proxy.to(accounts.server.port);
  });
  beforeEach(async () => {
    if (!accounts.server.isRunning) accounts.server = await accounts.server.restart();
  });
  afterEach(() => {
    accounts.proxy.refuse(false);
    return visitors.close();
  });
  after(async () => {
    accounts.proxy?.close();
    await accounts.server?.kill();
  });
  return accounts;
}
