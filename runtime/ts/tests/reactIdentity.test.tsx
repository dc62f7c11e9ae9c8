import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { clientWith, macrotask, net, render, tokens, welcome } from "./support/render.js";
import { act, useEffect } from "react";

import { useWebSocket } from "../src/react.js";
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
