import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { URL, clientWith, macrotask, net, render, tokens, welcome } from "./support/render.js";
import { act, useEffect, useLayoutEffect } from "react";

import type { Socket } from "../src/client.js";
import { useEvent, useWebSocket, type UseWebSocketOptions } from "../src/react.js";
import type { Chat } from "./support/contract.js";

beforeEach(() => void mock.method(console, "error", () => {}));
afterEach(() => mock.restoreAll());

const user = (name: string) => ({ identity: name, auth: () => `token of ${name}` });

for (const late of ["an effect cleanup", "a timer"])
  test(`what ${late} of the last user's render emits is not sent as the next user (identity: value)`, async () => {
    const client = clientWith();
    let accepted: boolean | undefined;
    let timer = () => {};
    const App = ({ name }: { name: string }) => {
      const { socket } = useWebSocket<Chat>({ client, ...user(name) });
      useEffect(() => {
        if (!socket || name !== "ann") return undefined;
        const save = () => (accepted = socket.emit("sendMessage", { room: "a", text: "draft of ann" }));
        if (late === "an effect cleanup") return () => void save();
        timer = save;
        return undefined;
      }, [socket, name]);
      return null;
    };
    await render(<App name="ann" />);
    await welcome();
    const ann = net.last;
    await render(<App name="bob" />);
    await act(macrotask);
    await welcome();
    assert.deepEqual(tokens(), ["token of ann", "token of bob"]);
    timer();
    assert.equal(accepted, false);
    assert.deepEqual([ann.sent, net.last.sent], [[], []]);
  });

test("with an identity as value in one component and as function in another, each sends as its own user", async () => {
  let current = "ann";
  const client = clientWith({ identity: () => current, auth: () => `token of ${current}` });
  const sockets: (Socket<Chat> | null)[] = [];
  const Value = () => {
    sockets[0] = useWebSocket({ client, identity: "ann" }).socket;
    return null;
  };
  const Function = () => {
    sockets[1] = useWebSocket({ client }).socket;
    return null;
  };
  await render([<Value key="value" />, <Function key="function" />]);
  for (const ws of net.made) await act(async () => ws.welcome());
  current = "bob";
  await act(async () => void sockets[1]!.emit("sendMessage", { room: "a", text: "of bob" }));
  await act(macrotask);
  assert.deepEqual(tokens(), ["token of ann", "token of ann", "token of bob"]);
  await welcome();
  assert.deepEqual(net.made.map(({ sent }) => sent.length), [0, 0, 1]);
});

/** Shows messages, with the name in its last render. One arrives between the commit with `name` b and its effects. */
function Reader({ name, shown, ...settings }: UseWebSocketOptions<Chat> & { name: string; shown: string[] }) {
  const show = (by: string) => ({ text }: { text: string }) => void shown.push(`${by} of ${name} shows: ${text}`);
  const { socket } = useWebSocket<Chat>({ ...(settings as UseWebSocketOptions<Chat>), events: { newMessage: show("events") } });
  useEvent(socket, "newMessage", show("useEvent"));
  useLayoutEffect(() => {
    if (name !== "a") net.last.frame("newMessage", { text: "for a" });
  }, [name]);
  return null;
}

for (const changed of ["identity", "url"])
  test(`a message between a commit with another ${changed} and its effects goes to no handler of that render`, async () => {
    const shown: string[] = [];
    const client = clientWith();
    const App = ({ name }: { name: string }) =>
      changed === "url" ? (
        <Reader name={name} shown={shown} url={`${URL}?room=${name}`} WebSocket={net.WebSocket} />
      ) : (
        <Reader name={name} shown={shown} client={client} {...user(name)} />
      );
    await render(<App name="a" />);
    await welcome();
    await render(<App name="b" />);
    assert.deepEqual(shown.filter((text) => !text.includes(" of a shows: ")), []);
    await act(macrotask);
    await welcome();
    shown.length = 0;
    net.last.frame("newMessage", { text: "for b" });
    assert.deepEqual(shown, ["events of b shows: for b", "useEvent of b shows: for b"]);
  });

test("an identity that throws in a render counts as null, as in the socket", async () => {
  let account: { id: string } | null = { id: "ann" };
  const App = () => {
    useWebSocket<Chat>({
      url: URL,
      WebSocket: net.WebSocket,
      identity: () => (account as { id: string }).id,
      auth: () => account && `token of ${account.id}`,
    });
    return null;
  };
  await render(<App />);
  await welcome();
  account = null;
  await render(<App />);
  await act(macrotask);
  assert.deepEqual(tokens(), ["token of ann", undefined]);
});
