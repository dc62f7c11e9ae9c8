import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { container, net, render, welcome } from "./support/render.js";
import { StrictMode, act } from "react";
import { renderToString } from "react-dom/server";

import { connect, type Socket } from "../src/client.js";
import { useConnection, useEvent } from "../src/react.js";
import type { Chat } from "./support/contract.js";
import { settle } from "./support/fakeWebSocket.js";

const open = async (path = "") => {
  const socket = connect<Chat>(`ws://server/api/other${path}`, { WebSocket: net.WebSocket });
  await settle();
  return socket;
};

let received: string[];
function Listening({ socket, name }: { socket: Socket<Chat> | null; name: string }) {
  useEvent(socket, "newMessage", ({ text }) => void received.push(`${name} ${text}`));
  return null;
}

test("useEvent calls the handler of the latest render once, and none after it unmounts", async () => {
  received = [];
  const socket = await open();
  const App = ({ name, given = socket }: { name: string; given?: Socket<Chat> | null }) => (
    <StrictMode>
      <Listening socket={given} name={name} />
    </StrictMode>
  );
  await render(<App name="null" given={null} />);
  await welcome();
  net.last.frame("newMessage", { text: "0" });
  await render(<App name="a" />);
  net.last.frame("newMessage", { text: "1" });
  const on = mock.method(socket, "on");
  await render(<App name="b" />);
  assert.equal(on.mock.callCount(), 0, "a new handler is not registered again");
  net.last.frame("newMessage", { text: "2" });
  await render(null);
  net.last.frame("newMessage", { text: "3" });
  assert.deepEqual(received, ["a 1", "b 2"]);
  await act(async () => socket.close());
});

test("useEvent registers with another socket, and with another event", async () => {
  received = [];
  const [first, second] = [await open("1"), await open("2")];
  const [net1, net2] = net.made as [typeof net.last, typeof net.last];
  for (const ws of [net1, net2]) ws.welcome();
  const App = ({ socket, event }: { socket: Socket<Chat>; event: "newMessage" | "userJoined" }) => {
    useEvent(socket, event, ({ room }) => void received.push(room));
    return null;
  };
  const send = () => {
    net1.frame("newMessage", { room: "message of 1" });
    net1.frame("userJoined", { room: "user of 1" });
    net2.frame("newMessage", { room: "message of 2" });
    return received.splice(0);
  };
  await render(<App socket={first} event="newMessage" />);
  assert.deepEqual(send(), ["message of 1"]);
  await render(<App socket={first} event="userJoined" />);
  assert.deepEqual(send(), ["user of 1"]);
  await render(<App socket={second} event="newMessage" />);
  assert.deepEqual(send(), ["message of 2"]);
  await act(async () => first.close());
  await act(async () => second.close());
});

test("an error in a handler of useEvent is an error event of the socket", async () => {
  const socket = await open();
  const errors: string[] = [];
  socket.on("error", ({ code, event }) => errors.push(`${code} ${event}`));
  const App = () => {
    useEvent(socket, "newMessage", async () => {
      throw new Error("of the handler");
    });
    return null;
  };
  await render(<App />);
  await welcome();
  net.last.frame("newMessage", {});
  await settle();
  assert.deepEqual(errors, ["handler newMessage"]);
  await act(async () => socket.close());
});

function Shown({ socket }: { socket: Socket<Chat> | null }) {
  const { status, connected, lastClose } = useConnection(socket);
  return <p>{[status, connected, lastClose?.cause, lastClose?.reason].join(" ")}</p>;
}

test("useConnection shows the status and how the last connection ended", async () => {
  const socket = await open();
  const text = () => container.textContent;
  await render(<Shown socket={null} />);
  assert.equal(text(), "closed false  ");
  await render(<Shown socket={socket} />);
  assert.equal(text(), "connecting false  ");
  await welcome();
  assert.equal(text(), "connected true  ");
  await act(async () => net.last.end(1012, "restart"));
  assert.equal(text(), "reconnecting false lost restart");
  await act(async () => socket.connect());
  await act(settle);
  await welcome();
  assert.equal(text(), "connected true lost restart");
  await act(async () => net.last.end(4501, "token expired"));
  assert.equal(text(), "closed false rejected token expired");
  await render(<Shown socket={null} />);
  assert.equal(text(), "closed false  ");
});

test("useConnection shows the end of an attempt, which does not change the status", async (t) => {
  t.mock.method(console, "error", () => {});
  t.mock.method(console, "warn", () => {});
  const socket = await open();
  await render(<Shown socket={socket} />);
  await welcome();
  await act(async () => net.last.end(1012, "restart"));
  await act(async () => socket.connect());
  await act(settle);
  await act(async () => net.last.end(1006, "attempt"));
  await act(settle);
  assert.equal(container.textContent, "reconnecting false lost attempt");
  await act(async () => socket.close());
});

test("in server rendering the hooks register nothing", () => {
  received = [];
  const socket = { on: mock.fn(), subscribe: mock.fn(), status: "connected" } as unknown as Socket<Chat>;
  const html = renderToString(
    <>
      <Listening socket={socket} name="server" />
      <Shown socket={socket} />
    </>,
  );
  assert.equal(html, "<p>closed false  </p>");
  assert.equal((socket.on as unknown as ReturnType<typeof mock.fn>).mock.callCount(), 0);
  assert.equal((socket.subscribe as unknown as ReturnType<typeof mock.fn>).mock.callCount(), 0);
});
