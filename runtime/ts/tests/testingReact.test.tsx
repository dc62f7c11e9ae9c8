import assert from "node:assert/strict";
import { test } from "node:test";

import { container, render } from "./support/render.js";
import { act, StrictMode, useState } from "react";

import { createClient, type Socket } from "../src/client.js";
import { useWebSocket } from "../src/react.js";
import { fakeServer, fakeSocket, type FakeServer } from "../src/testing.js";
import type { AppRouter, Chat } from "./support/contract.js";

const message = { room: "a", text: "Hello!", userId: "ann", timestamp: 1 };

function OfSocket({ socket }: { socket: Socket<Chat> }) {
  const [texts, setTexts] = useState<string[]>([]);
  const { status } = useWebSocket(socket, { newMessage: ({ text }) => setTexts((all) => [...all, text]) });
  return <p>{[status, ...texts].join(" ")}</p>;
}

test("with node:test, a component with a fake socket follows its connection under StrictMode", async () => {
  const { socket, server, connected } = fakeSocket<Chat>({ url: "/api/chat/wsChat" });
  await render(
    <StrictMode>
      <OfSocket socket={socket} />
    </StrictMode>,
  );
  await act(() => connected);
  assert.equal(container.textContent, "connected");
  act(() => server.emit("newMessage", message));
  assert.equal(container.textContent, "connected Hello!");
  act(() => server.cut());
  act(() => server.emit("newMessage", message));
  assert.equal(container.textContent, "reconnecting Hello!");
  await act(async () => {
    server.restore();
    await server.connected;
  });
  assert.equal(container.textContent, "connected Hello! Hello!");
  act(() => socket.close());
  assert.equal(container.textContent, "closed Hello! Hello!");
});

function OfClient({ server }: { server: FakeServer<Chat> }) {
  const [client] = useState(() => createClient<AppRouter>({ baseUrl: "ws://server/api", ...server.options }));
  const { socket, status } = useWebSocket({ client: client.chat.wsChat });
  const [here, setHere] = useState<string[]>([]);
  const join = () => socket?.call("joinRoom", { room: "a" }).then(setHere);
  return <button onClick={join}>{[status, ...here].join(" ")}</button>;
}

test("with node:test, a component calls the fake server of its client, which learns of its unmount", async () => {
  const server = fakeServer<Chat>();
  server.onCall("joinRoom", ({ room }) => [room, "ann"]);
  await render(<OfClient server={server} />);
  await act(() => server.connected);
  await act(async () => container.querySelector("button")?.click());
  assert.deepEqual(await server.next("joinRoom"), { room: "a" });
  assert.equal(container.textContent, "connected a ann");
  await render(null);
  await server.disconnected;
});
