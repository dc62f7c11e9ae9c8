import { afterEach, beforeEach } from "node:test";

import { page } from "./dom.js";
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";

import { createClient, type Options } from "../../src/client.js";
import { useWebSocket, type EventHandlers } from "../../src/react.js";
import type { AppRouter, Chat } from "./contract.js";
import { fake, settle } from "./fakeWebSocket.js";

export const URL = "ws://server/api/chat/wsChat";

// New for each test.
export let net: ReturnType<typeof fake>;
export let root: Root;
export let container: HTMLElement;

beforeEach(() => {
  page.open();
  net = fake();
  container = document.createElement("div");
  document.body.append(container);
  root = createRoot(container);
});

afterEach(async () => {
  await act(async () => root.unmount());
  await macrotask();
  await page.close();
});

/** Waits until a released socket is closed. */
export const macrotask = () => new Promise<void>((done) => setTimeout(done, 5));
/** Renders, runs the effects, and starts the attempts to connect. */
export const render = async (node: ReactNode) => {
  await act(async () => root.render(node));
  await act(settle);
};
export const welcome = () => act(async () => net.last.welcome());

/** The procedure of a client with these options. */
export const clientWith = (options: Options = {}) =>
  createClient<AppRouter>({ baseUrl: "http://server/api", WebSocket: net.WebSocket, ...options }).chat.wsChat;
/** The token that each WebSocket was opened with. */
export const tokens = () => net.made.map(({ protocols }) => tokenOf(protocols));
const tokenOf = (protocols?: string[]) => {
  const bearer = protocols?.find((protocol) => protocol.startsWith("parlor.bearer."));
  return bearer && Buffer.from(bearer.slice("parlor.bearer.".length), "base64url").toString();
};

interface Props {
  url?: string;
  enabled?: boolean;
  events?: EventHandlers<Chat>;
  options?: Options;
  seen?: (state: ReturnType<typeof useWebSocket<Chat>>) => void;
}

export function Chatter({ url = URL, enabled, events, options, seen }: Props) {
  const { url: _, ...rest } = options ?? {};
  const state = useWebSocket<Chat>({
    url,
    WebSocket: net.WebSocket,
    ...(enabled !== undefined && { enabled }),
    ...(events && { events }),
    ...rest,
  });
  seen?.(state);
  return <p>{state.connected ? "connected" : state.status}</p>;
}
