// @vitest-environment happy-dom
import { act, cleanup, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, expect, test, vi } from "vitest";

import { createClient, type Socket } from "../../src/client.js";
import { useWebSocket } from "../../src/react.js";
import { fakeServer, fakeSocket } from "../../src/testing.js";
import type { AppRouter, Chat } from "../support/contract.js";

const api = createClient<AppRouter>({ baseUrl: "/api" });
const message = { room: "a", text: "Hello!", userId: "ann", timestamp: 1 };

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** Shows the state of a socket and its last message. */
function Shown({ state }: { state: ReturnType<typeof useWebSocket<Chat>> }) {
  return <p role="status">{state.status}</p>;
}
function OfSocket({ socket, seen }: { socket: Socket<Chat>; seen: (text: string) => void }) {
  return <Shown state={useWebSocket(socket, { newMessage: ({ text }) => seen(text) })} />;
}
function OfUrl({ server, seen }: { server: ReturnType<typeof fakeServer<Chat>>; seen: (text: string) => void }) {
  const state = useWebSocket<Chat>({
    url: "/api/chat/wsChat",
    WebSocket: server.WebSocket,
    events: { newMessage: ({ text }) => seen(text) },
  });
  return <Shown state={state} />;
}
const status = () => screen.getByRole("status").textContent;

for (const timers of ["real", "mocked"] as const) {
  const useTimers = () => {
    // Also what Vitest does not mock by default.
    if (timers === "mocked") vi.useFakeTimers({ toFake: ["setTimeout", "setImmediate", "queueMicrotask"] });
  };

  test(`with ${timers} timers, a component with a fake socket follows its connection under StrictMode`, async () => {
    useTimers();
    const { socket, server, connected } = fakeSocket({ client: api.chat.wsChat });
    const seen: string[] = [];
    render(<OfSocket socket={socket} seen={(text) => seen.push(text)} />, { wrapper: StrictMode });
    expect(status()).toBe("connecting");
    await act(() => connected);
    expect(status()).toBe("connected");
    act(() => server.emit("newMessage", message));
    act(() => server.cut());
    expect(status()).toBe("reconnecting");
    await act(async () => {
      server.restore();
      await server.connected;
    });
    expect(status()).toBe("connected");
    act(() => server.close(4501, "token expired"));
    expect(status()).toBe("closed");
    expect(seen).toEqual(["Hello!"]);
  });

  test(`with ${timers} timers, components that connect by URL share one client of a fake server`, async () => {
    useTimers();
    const server = fakeServer<Chat>();
    const seen: string[] = [];
    const one = <OfUrl server={server} seen={(text) => seen.push(text)} />;
    const { unmount } = render(<>{[one, one].map((node, i) => <div key={i}>{node}</div>)}</>, { wrapper: StrictMode });
    await act(() => server.connected);
    act(() => server.emit("newMessage", message));
    expect(server.sessions).toHaveLength(1);
    expect(seen).toEqual(["Hello!", "Hello!"]);
    unmount();
    if (timers === "mocked") vi.advanceTimersByTime(1);
    await server.disconnected;
    expect(server.sessions).toEqual([]);
  });
}
