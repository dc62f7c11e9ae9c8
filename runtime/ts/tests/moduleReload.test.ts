import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { load } from "./support/bundle.js";
import { page } from "./support/dom.js";
import { fake, settle } from "./support/fakeWebSocket.js";

const program = `
import { refresh } from "./support/refresh.js";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { flushSync } from "react-dom";
import { useWebSocket } from "../src/react.js";

globalThis.IS_REACT_ACT_ENVIRONMENT = false;

/** Registers a version of the component, as its module does when it is loaded. */
export function define(module, name, settings, received, signature) {
  function Component() {
    const [id] = useState(() => Math.random());
    const { status } = useWebSocket({
      ...settings,
      events: { newMessage: ({ text }) => received.push(name + " " + text) },
    });
    return <p>{status + " " + id}</p>;
  }
  refresh.createSignatureFunctionForTransform()(Component, signature, false);
  refresh.register(Component, module);
  return Component;
}
export function mount(target, Component) {
  const root = createRoot(target);
  flushSync(() => root.render(<Component />));
  return () => flushSync(() => root.unmount());
}
export const reload = () => refresh.performReactRefresh();
`;

interface Program {
  define(module: string, name: string, settings: object, received: string[], signature: string): unknown;
  mount(target: HTMLElement, component: unknown): () => void;
  reload(): void;
}

let react: Program;
before(async () => {
  page.open();
  react = await load<Program>(program, {
    platform: "browser",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
  });
});
after(async () => {
  // Released sockets are closed first, and React handles it.
  await macrotask();
  await page.close();
});

const macrotask = () => new Promise<void>((done) => setTimeout(done, 5));

let modules = 0;

/**
 * Mounts a component, loads a changed version of its module, and tests that it has the same connection. `resets`: React
 * resets its state.
 */
async function reloadModule(settings: object, resets: boolean) {
  const net = fake();
  const received: string[] = [];
  const target = document.createElement("div");
  const all = { WebSocket: net.WebSocket, ...settings };
  const module = `module ${++modules}`;
  const unmount = react.mount(target, react.define(module, "first", all, received, "hooks"));
  const connected = async () => {
    while (!target.textContent?.startsWith("connected")) await settle();
    return target.textContent;
  };
  await settle();
  net.last.welcome();
  const text = await connected();
  react.define(module, "second", all, received, resets ? "other hooks" : "hooks");
  react.reload();
  // A released socket is closed by now.
  await macrotask();
  assert.equal(net.made.length, 1);
  assert.equal(net.last.closed, undefined);
  assert.equal((await connected()) !== text, resets, "the state is reset");
  return { net, received, unmount };
}

for (const resets of [false, true])
  test(`a module reload that ${resets ? "resets" : "keeps"} the state of a component keeps its connection`, async () => {
    const { net, received, unmount } = await reloadModule({ url: "ws://server/" }, resets);
    net.last.frame("newMessage", { text: "1" });
    assert.deepEqual(received, ["second 1"]);
    unmount();
  });

test("a module reload that keeps the state of a component with a function as url keeps its connection", async () => {
  const { unmount } = await reloadModule({ url: () => "ws://server/" }, false);
  unmount();
});

test("a module reload that resets a component with a function as url keeps its connection if it has a key", async () => {
  const { unmount } = await reloadModule({ url: () => "ws://server/", key: "a" }, true);
  unmount();
});
