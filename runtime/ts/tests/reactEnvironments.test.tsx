import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Chatter, URL, container, macrotask, net, render, welcome } from "./support/render.js";
import { Activity, act } from "react";
import { hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";

import { connect, type Socket } from "../src/client.js";
import { useWebSocket } from "../src/react.js";
import type { Chat } from "./support/contract.js";
import { settle } from "./support/fakeWebSocket.js";

test("an existing socket gets the latest handlers while enabled, and is never closed", async () => {
  const socket = connect<Chat>(URL, { WebSocket: net.WebSocket });
  await settle();
  const received: string[] = [];
  const App = ({ given, name, enabled }: { given: Socket<Chat> | null; name: string; enabled?: boolean }) => {
    const state = useWebSocket(
      given,
      { newMessage: ({ text }) => void received.push(`${name} ${text}`) },
      enabled === undefined ? undefined : { enabled },
    );
    assert.equal(state.socket, given);
    return <p>{state.status}</p>;
  };
  await render(<App given={null} name="null" />);
  assert.equal(container.textContent, "closed");
  await render(<App given={socket} name="a" />);
  assert.equal(container.textContent, "connecting");
  await welcome();
  assert.equal(container.textContent, "connected");
  net.last.frame("newMessage", { text: "1" });
  await render(<App given={socket} name="b" />);
  net.last.frame("newMessage", { text: "2" });
  await render(<App given={socket} name="c" enabled={false} />);
  net.last.frame("newMessage", { text: "3" });
  await render(<App given={socket} name="d" enabled />);
  net.last.frame("newMessage", { text: "4" });
  await render(null);
  net.last.frame("newMessage", { text: "5" });
  await macrotask();
  assert.deepEqual(received, ["a 1", "b 2", "d 4"]);
  assert.equal(socket.status, "connected");
  socket.close();
});

test("server rendering dials nothing, and hydration reports no error", async () => {
  const errors = mock.method(console, "error", () => {});
  const App = () => (
    <>
      <Chatter />
      <Chatter enabled={false} />
    </>
  );
  const html = renderToString(<App />);
  assert.equal(html, "<p>connecting</p><p>closed</p>");
  assert.equal(net.made.length, 0);
  const container = document.createElement("div");
  document.body.append(container);
  container.innerHTML = html;
  const hydrated = await act(async () => hydrateRoot(container, <App />));
  await settle();
  await welcome();
  assert.equal(container.innerHTML, "<p>connected</p><p>closed</p>");
  assert.equal(errors.mock.callCount(), 0);
  await act(async () => hydrated.unmount());
  errors.mock.restore();
});

test("server rendering does not read the identity, and a hydrated component does", async () => {
  let onServer = true;
  const identity = () => {
    if (onServer) throw new Error("there is no localStorage");
    return "ann";
  };
  const App = () => <Chatter options={{ identity, auth: () => "token" }} />;
  const container = document.createElement("div");
  container.innerHTML = renderToString(<App />);
  assert.equal(container.innerHTML, "<p>connecting</p>");
  onServer = false;
  const hydrated = await act(async () => hydrateRoot(container, <App />));
  await settle();
  assert.equal(net.made.length, 1);
  await welcome();
  assert.equal(container.innerHTML, "<p>connected</p>");
  await act(async () => hydrated.unmount());
});

test("two hydrated roots with URL functions have one connection each", async () => {
  const App = ({ name }: { name: string }) => {
    useWebSocket<Chat>({ url: () => `ws://${name}/`, WebSocket: net.WebSocket });
    return <p>{name}</p>;
  };
  const roots: Root[] = [];
  for (const name of ["a", "b"]) {
    const island = document.createElement("div");
    document.body.append(island);
    island.innerHTML = renderToString(<App name={name} />);
    roots.push(await act(async () => hydrateRoot(island, <App name={name} />)));
  }
  await settle();
  assert.deepEqual(net.made.map(({ url }) => url), ["ws://a/", "ws://b/"]);
  await act(async () => roots.forEach((each) => each.unmount()));
});

test("a hidden Activity closes its connection, and a visible one opens another", async () => {
  const states: ReturnType<typeof useWebSocket<Chat>>[] = [];
  const received: string[] = [];
  const App = ({ mode }: { mode: "visible" | "hidden" }) => (
    <Activity mode={mode}>
      <Chatter
        seen={(state) => states.push(state)}
        events={{ newMessage: ({ text }) => received.push(text) }}
      />
    </Activity>
  );
  await render(<App mode="visible" />);
  await welcome();
  await render(<App mode="hidden" />);
  await act(macrotask);
  assert.ok(net.last.closed);
  states.length = 0;
  await render(<App mode="visible" />);
  assert.ok(states.every(({ status }) => status === "connecting"), "a closed socket is not shown");
  assert.equal(net.made.length, 2);
  await welcome();
  net.last.frame("newMessage", { text: "again" });
  assert.deepEqual(received, ["again"]);
  assert.equal(states.at(-1)?.connected, true);
});
