import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { load, tests } from "./support/bundle.js";
import { page } from "./support/dom.js";
import { fake, settle } from "./support/fakeWebSocket.js";
import { testFramework, type Framework } from "./support/frameworks.js";

const program = `
import { StrictMode, createElement, useEffect } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server.browser";
import { useCall, useConnection, useEvent, useWebSocket } from "../src/react.js";

globalThis.IS_REACT_ACT_ENVIRONMENT = false;

function Component({ socket, received, calls, opens }) {
  const { status, lastClose } = useConnection(socket);
  const { data, error, pending, call, cancel } = useCall(socket, "joinRoom");
  useEvent(socket, "newMessage", ({ text }) => received.push(text));
  useEffect(opens, []);
  calls({ call, cancel });
  const code = error?.code === "refused" ? error.details.error : error?.code;
  return <p>{[status, " ", lastClose?.cause, "; ", data, " ", code, " ", String(pending)].join("")}</p>;
}

function Connected({ seen, ...settings }) {
  seen(useWebSocket(settings));
  return null;
}

const strict = (component, props) => <StrictMode>{createElement(component, props)}</StrictMode>;
export function mount(target, props, component = Component) {
  const root = createRoot(target);
  const render = (changed) => flushSync(() => root.render(strict(component, { ...props, ...changed })));
  render({});
  return {
    render,
    show: (socket) => render({ socket }),
    unmount: () => flushSync(() => root.unmount()),
  };
}
export const connect = (target, props) => mount(target, props, Connected);
export const rendered = async () => flushSync(() => {});
export const html = async (props) => renderToString(strict(Component, props));
export { version } from "react";
`;

interface React extends Framework {
  version: string;
  connect(target: HTMLElement, props: object): { render(changed: object): void; unmount(): void };
}

const folder = join(tests, "react18/node_modules");
const loadReact = () =>
  load<React>(program, {
    platform: "browser",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
    alias: { react: join(folder, "react"), "react-dom": join(folder, "react-dom") },
  });

if (existsSync(folder) || process.env.PARLOR_TEST_ALL === "1") {
  testFramework("React 18", loadReact);

  test("React 18: under StrictMode useWebSocket dials once, and another identity closes the connection", async () => {
    page.open();
    const react = await loadReact();
    assert.match(react.version, /^18\./);
    const net = fake();
    let status: string | undefined;
    const seen = (state: { status: string }) => (status = state.status);
    const settings = { seen, url: () => "ws://server/", WebSocket: net.WebSocket, identity: "ann" };
    const app = react.connect(document.createElement("div"), settings);
    const rendered = async () => {
      await settle();
      await react.rendered();
    };
    await rendered();
    net.last.welcome();
    await rendered();
    assert.equal(status, "connected");
    app.render({ url: () => "ws://other/" });
    await rendered();
    assert.deepEqual(net.made.map(({ url }) => url), ["ws://server/"]);
    app.render({ identity: "bob" });
    await rendered();
    assert.deepEqual(net.made.map(({ closed }) => !!closed), [true, false]);
    app.unmount();
    await new Promise((done) => setTimeout(done, 5));
    assert.ok(net.last.closed);
    await page.close();
  });
} else {
  console.log("skipped: React 18 is not installed; run npm ci --prefix runtime/ts/tests/react18");
}
