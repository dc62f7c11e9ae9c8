import { after, afterEach, before } from "node:test";

import type { Browser } from "playwright-core";

import { browserNames, type BrowserName } from "../support/browsers";
import { browserTests, type LaunchOptionsOf } from "../support/browserTests";
import { Server } from "../support/program";
import { Proxy } from "../support/proxy";
import { Visitors, type Visitor, type VisitorOptions } from "../support/visitors";
import { ChatPage } from "./chatPage";

/** Makes the waits before attempts short and constant. */
const constantJitter = "Math.random = () => 0.9;";

export interface Guest extends ChatPage, Visitor {}

/** A chat server, a proxy in front of it and the browsers, for the tests of one file. */
export interface Fixture {
  /** Registers a test that runs in each of the browsers, by default in all. */
  test(title: string, run: (name: BrowserName) => Promise<void>, only?: readonly BrowserName[]): void;
  server: Server;
  proxy: Proxy;
  /** Opens the page and enters the name. */
  guest(name: string, options?: GuestOptions): Promise<Guest>;
  /** Opens the page. */
  open(options?: GuestOptions): Promise<Guest>;
}

export interface GuestOptions extends VisitorOptions {
  /** The port of the page. Default: the server's. */
  port?: number;
}

export function fixture(options: LaunchOptionsOf = {}): Fixture {
  const testInBrowsers = browserTests(options);
  /** Those of the running test. */
  let visitors: Visitors;
  const chat: Fixture = {
    server: undefined as unknown as Server,
    proxy: undefined as unknown as Proxy,
    test(title, run, only = browserNames) {
      const inBrowser = async (browser: Browser, name: BrowserName) => {
        visitors = new Visitors(browser);
        await run(name);
      };
      testInBrowsers(title, inBrowser, only);
    },
    async open({ port = chat.server.port, script = "", ...options } = {}) {
      const visitor = await visitors.open(`http://127.0.0.1:${port}/`, {
        ...options,
        script: constantJitter + script,
      });
      return Object.assign(new ChatPage(visitor.page), visitor);
    },
    async guest(name, options) {
      const guest = await chat.open(options);
      await guest.enterName(name);
      return guest;
    },
  };
  before(async () => {
    chat.server = await Server.start("chat");
    chat.proxy = await Proxy.to(chat.server.port);
  });
  afterEach(() => {
    chat.proxy.refuse(false);
    return visitors.close();
  });
  after(async () => {
    chat.proxy?.close();
    await chat.server?.kill();
  });
  return chat;
}
