/** The page of these tests: the generated client, for `page.evaluate`, and components, which the hash selects. */
import { StrictMode, type FC } from "react";
import { createRoot } from "react-dom/client";

import * as api from "./api";
import { ByUser, InRooms, Later } from "./components";

export type Account = api.Socket<api.Account>;

declare global {
  interface Window {
    api: typeof api;
    /** What happened, in order. */
    log: string[];
    /** The sockets of the test, by any names. */
    sockets: Record<string, Account>;
    /** Logs the events of a socket, and keeps it under the name. */
    watch(name: string, socket: Account): Account;
    /** A JWT without a signature, of this user; the same one for a number in a page. */
    tokenOf(user: string, number?: number): string;
  }
}

window.api = api;
window.log = [];
window.sockets = {};
window.watch = (name, socket) => {
  const say = (text: string) => window.log.push(`${name}: ${text}`);
  socket.on("connect", ({ recovered }) => say(`connect ${recovered ? "recovered" : "new"}`));
  socket.on("disconnect", ({ code, willReconnect }) => say(`disconnect ${code}${willReconnect ? "" : ", final"}`));
  socket.on("reconnectFailed", () => say("reconnectFailed"));
  socket.on("noted", ({ user, text }) => say(`${user} wrote ${text}`));
  return (window.sockets[name] = socket);
};

const base64url = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
/** The server refuses expired tokens also of later pages. */
const first = Math.random();
window.tokenOf = (sub, number = 0) => `${base64url({ alg: "none" })}.${base64url({ sub, id: first + number })}.`;

const components: Record<string, FC> = { "#by-user": ByUser, "#in-rooms": InRooms, "#later": Later };
const Component = components[location.hash];
if (Component)
  createRoot(document.getElementById("root") as HTMLElement).render(
    <StrictMode>
      <Component />
    </StrictMode>,
  );
