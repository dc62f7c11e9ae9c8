import assert from "node:assert/strict";
import { test } from "node:test";

import { Chatter, URL, container, macrotask, net, render, root, welcome } from "./support/render.js";
import { StrictMode, act, useState } from "react";

import { createClient, type Socket } from "../src/client.js";
import { useWebSocket } from "../src/react.js";
import type { AppRouter, Chat } from "./support/contract.js";
import { settle } from "./support/fakeWebSocket.js";

test("a component is connecting, then connected, and its socket closes after it unmounts", async () => {
  let socket: Socket<Chat> | null = null;
  await render(<Chatter seen={(state) => (socket = state.socket)} />);
  assert.equal(container.textContent, "connecting");
  assert.equal(net.made.length, 1);
  await welcome();
  assert.equal(container.textContent, "connected");
  assert.equal(socket!.status, "connected");
  await act(async () => net.last.end(1012));
  assert.equal(container.textContent, "reconnecting");
  await render(null);
  await macrotask();
  assert.equal(socket!.status, "closed");
});

test("under StrictMode there is one connection, which is closed once", async () => {
  await render(
    <StrictMode>
      <Chatter />
    </StrictMode>,
  );
  await welcome();
  await macrotask();
  assert.equal(net.made.length, 1);
  assert.equal(container.textContent, "connected");
  assert.equal(net.last.closed, undefined);
  await render(null);
  await macrotask();
  assert.deepEqual(net.last.closed, { code: 1000, reason: "" });
});

test("components share one connection, which closes after the last unmounts", async () => {
  const App = ({ n }: { n: number }) => Array.from({ length: n }, (_, i) => <Chatter key={i} />);
  await render(<App n={2} />);
  await welcome();
  assert.equal(net.made.length, 1);
  await render(<App n={3} />);
  assert.equal(container.textContent, "connectedconnectedconnected");
  await render(<App n={1} />);
  await macrotask();
  assert.equal(net.last.closed, undefined);
  act(() => root.render(<App n={0} />));
  assert.equal(net.last.closed, undefined, "not before a macrotask");
  await macrotask();
  assert.ok(net.last.closed);
  await render(<App n={1} />);
  assert.equal(net.made.length, 2, "a new one after that");
});

test("a component that mounts again within one macrotask reuses the connection", async () => {
  await render(<Chatter key="a" />);
  await welcome();
  act(() => root.render(null));
  act(() => root.render(<Chatter key="b" />));
  await macrotask();
  assert.equal(net.made.length, 1);
  assert.equal(net.last.closed, undefined);
  assert.equal(container.textContent, "connected");
});

test("other URLs and options open other connections, and another auth of one identity does not", async () => {
  const App = () => (
    <>
      <Chatter options={{ identity: "ann", auth: () => "a" }} />
      <Chatter options={{ identity: "ann", auth: () => "b", heartbeatInterval: undefined }} />
      <Chatter url={`${URL}?b`} />
      <Chatter options={{ heartbeatInterval: Infinity }} />
      <Chatter options={{ reconnect: false }} />
    </>
  );
  await render(<App />);
  assert.equal(net.made.length, 4);
});

test("a component without auth does not share a connection with auth", async () => {
  await render(
    <>
      <Chatter options={{ identity: "ann", auth: () => "token" }} />
      <Chatter options={{ identity: "ann" }} />
    </>,
  );
  assert.deepEqual(net.made.map(({ protocols }) => protocols?.length).sort(), [1, 2]);
});

test("handlers of the latest render are called, each once", async () => {
  const received: string[] = [];
  const App = ({ name }: { name: string }) => (
    <StrictMode>
      <Chatter
        events={{
          newMessage: ({ text }) => void received.push(`${name} ${text}`),
          connect: () => void received.push(`${name} connect`),
        }}
      />
    </StrictMode>
  );
  await render(<App name="first" />);
  await welcome();
  net.last.frame("newMessage", { text: "1" });
  await render(<App name="second" />);
  net.last.frame("newMessage", { text: "2" });
  assert.deepEqual(received, ["first connect", "first 1", "second 2"]);
  assert.equal(net.made.length, 1, "inline handlers do not connect again");
});

test("handlers can be added and removed between renders", async () => {
  const received: string[] = [];
  const newMessage = () => void received.push("newMessage");
  const userJoined = () => void received.push("userJoined");
  const both = () => {
    net.last.frame("newMessage", {});
    net.last.frame("userJoined", {});
    return received.splice(0);
  };
  await render(<Chatter />);
  await welcome();
  assert.deepEqual(both(), []);
  await render(<Chatter events={{ newMessage }} />);
  assert.deepEqual(both(), ["newMessage"]);
  await render(<Chatter events={{ newMessage, userJoined }} />);
  assert.deepEqual(both(), ["newMessage", "userJoined"]);
  await render(<Chatter events={{ userJoined }} />);
  assert.deepEqual(both(), ["userJoined"]);
});

test("100 messages in one batch all reach the state", async () => {
  let texts: string[] = [];
  const App = () => {
    const [messages, setMessages] = useState<string[]>([]);
    texts = messages;
    return (
      <Chatter events={{ newMessage: ({ text }) => setMessages((all) => [...all, text]) }} />
    );
  };
  await render(<App />);
  await welcome();
  const sent = Array.from({ length: 100 }, (_, i) => String(i));
  await act(async () => {
    for (const text of sent) net.last.frame("newMessage", { text });
  });
  assert.deepEqual(texts, sent);
});

test("a message right after the welcome reaches the handler", async () => {
  const received: string[] = [];
  await act(async () => {
    root.render(<Chatter events={{ newMessage: ({ text }) => void received.push(text) }} />);
  });
  await settle();
  net.last.welcome();
  net.last.frame("newMessage", { text: "first" });
  assert.deepEqual(received, ["first"]);
});

test("enabled: false closes the socket, and true connects", async () => {
  const closed = { socket: null, connected: false, status: "closed", lastClose: undefined };
  let state: ReturnType<typeof useWebSocket<Chat>>;
  const seen = (now: typeof state) => (state = now);
  await render(<Chatter enabled={false} seen={seen} />);
  assert.equal(net.made.length, 0);
  assert.deepEqual(state!, closed);
  await render(<Chatter enabled seen={seen} />);
  await welcome();
  assert.equal(state!.connected, true);
  await render(<Chatter enabled={false} seen={seen} />);
  assert.deepEqual(state!, closed);
  await macrotask();
  assert.ok(net.last.closed);
});

test("a new URL closes the old socket and never returns it again", async () => {
  const shown: (string | undefined)[] = [];
  const received: string[] = [];
  const events = { newMessage: ({ text }: { text: string }) => void received.push(text) };
  const seen = ({ socket, status }: ReturnType<typeof useWebSocket<Chat>>) =>
    void shown.push(socket ? status : "null");
  await render(<Chatter url="ws://a/" events={events} seen={seen} />);
  await welcome();
  shown.length = 0;
  await render(<Chatter url="ws://b/" events={events} seen={seen} />);
  assert.equal(shown[0], "null");
  await macrotask();
  assert.deepEqual(net.made.map(({ url }) => url), ["ws://a/", "ws://b/"]);
  assert.ok(net.made[0]!.closed);
  await welcome();
  net.last.frame("newMessage", { text: "b" });
  assert.deepEqual(received, ["b"]);
});

test("a new auth function is used on the next attempt and does not reconnect", async (t) => {
  t.mock.method(Math, "random", () => 0.9999);
  await render(<Chatter options={{ identity: "ann", auth: () => "old" }} />);
  await welcome();
  await render(<Chatter options={{ identity: "ann", auth: () => "new" }} />);
  assert.equal(net.made.length, 1);
  await act(async () => {
    net.last.end(1012);
    await macrotask();
  });
  assert.equal(net.last.protocols?.[1], `parlor.bearer.${Buffer.from("new").toString("base64url")}`);
  await render(<Chatter />);
  assert.equal(net.made.length, 3, "without one it is another connection");
  assert.equal(net.last.protocols?.length, 1);
});

test("a URL function is called on each attempt, with one connection per component", async (t) => {
  t.mock.method(Math, "random", () => 0.9999);
  const App = ({ name }: { name: string }) => {
    useWebSocket<Chat>({ url: () => `ws://${name}/`, WebSocket: net.WebSocket });
    return null;
  };
  const Two = ({ name }: { name: string }) => (
    <StrictMode>
      <App name={`${name}1`} />
      <App name={`${name}2`} />
    </StrictMode>
  );
  await render(<Two name="a" />);
  await render(<Two name="b" />);
  assert.deepEqual(net.made.map(({ url }) => url), ["ws://a1/", "ws://a2/"]);
  await act(async () => {
    net.made[0]!.welcome();
    net.made[0]!.end(1012);
    await macrotask();
  });
  assert.equal(net.last.url, "ws://b1/");
});

test("a client's procedure gives URL and options, and the url option rewrites it", async () => {
  const client = createClient<AppRouter>({
    baseUrl: "http://server/api",
    WebSocket: net.WebSocket,
    identity: "ann",
    auth: () => "token",
  });
  let socket: Socket<Chat> | null = null;
  const App = () => {
    const state = useWebSocket({
      client: client.chat.wsChat,
      key: "ada",
      url: (url) => `${url}?name=ada`,
      events: { newMessage: () => {} },
    });
    socket = state.socket;
    return null;
  };
  await render(
    <>
      <App />
      <App />
    </>,
  );
  assert.equal(net.made.length, 1);
  assert.equal(net.last.url, `${URL}?name=ada`);
  assert.equal(net.last.protocols?.length, 2);
  await render(<App />);
  socket!.close();
});
