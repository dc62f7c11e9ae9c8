// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { WebSocket as NodeWebSocket } from "ws";

import { CallError, connect, createClient, events, type ErrorCode, type Socket } from "../../src/client.js";
import type { AppRouter, Chat } from "../support/contract.js";

const client = createClient<AppRouter>({ baseUrl: "/api", reconnect: true, WebSocket: NodeWebSocket });
const socket: Socket<Chat> = client.chat.wsChat.$ws({ heartbeatInterval: 30_000, WebSocket });
connect<Chat>("ws://localhost/api/chat/wsChat");
connect<Chat>(async () => "ws://localhost/api/chat/wsChat", {
  identity: "ada",
  auth: async () => "token",
  url: (url) => `${url}?name=ada`,
});
client.auction.$ws().emit("bid", { amount: 1 });
client.auction.admin.$ws().emit("bid", { amount: 1 });

// The client
// @ts-expect-error no such procedure
client.chat.wsChatt;
// @ts-expect-error a part of a path is not a procedure
client.chat.$ws();
// @ts-expect-error the base URL is missing
createClient<AppRouter>({});
// @ts-expect-error no such option
client.chat.wsChat.$ws({ heartbeat: 1 });
// @ts-expect-error an option of another type
client.chat.wsChat.$ws({ reconnect: "yes" });
// @ts-expect-error no WebSocket class
client.chat.wsChat.$ws({ WebSocket: EventTarget });
// @ts-expect-error the token is not a string
connect<Chat>("/", { identity: "ada", auth: () => 7 });
// @ts-expect-error not a contract
connect<{ incoming: object }>("/");

// Lifecycle events
socket.on("connect", ({ recovered, reason }) => {
  const known: boolean = recovered || reason === "expired" || reason === "off";
  // @ts-expect-error no such reason
  return known && reason === "late";
});

// emit
const sent: boolean = socket.emit("sendMessage", { room: "a", text: "b" });
socket.emit("touch");
socket.emit("touch", {});
socket.emit("search");
socket.emit("search", { text: null });
socket.emit("label", "x");
socket.emit("joinRoom", { room: "a" });
// @ts-expect-error no such event
socket.emit("sendMesage", { room: "a", text: "b" });
// @ts-expect-error an outgoing event
socket.emit("newMessage", { room: "a", text: "b", userId: "c", timestamp: 1 });
// @ts-expect-error the payload is missing
socket.emit("sendMessage");
// @ts-expect-error a field is missing
socket.emit("sendMessage", { room: "a" });
// @ts-expect-error a field is misspelt
socket.emit("sendMessage", { room: "a", txt: "b" });
// @ts-expect-error a field is of another type
socket.emit("sendMessage", { room: "a", text: 1 });
// @ts-expect-error a field too many
socket.emit("joinRoom", { room: "a", text: "b" });
// @ts-expect-error an event without fields has none
socket.emit("touch", { room: "a" });
// @ts-expect-error a payload of another type
socket.emit("label", { text: "x" });
// @ts-expect-error a payload that is a string is not optional
socket.emit("label");
// @ts-expect-error a lifecycle event is not sent
socket.emit("connect", {});

// call
const here: Promise<string[]> = socket.call("joinRoom", { room: "a" });
const cleared: Promise<null> = socket.call("clear");
socket.call("search", {}, { timeout: 5, signal: new AbortController().signal });
// @ts-expect-error an event without an answer is not a call
socket.call("sendMessage", { room: "a", text: "b" });
// @ts-expect-error no such call
socket.call("join", { room: "a" });
// @ts-expect-error the payload is missing
socket.call("joinRoom");
// @ts-expect-error a field is of another type
socket.call("joinRoom", { room: 1 });
// @ts-expect-error no such setting of a call
socket.call("joinRoom", { room: "a" }, { retries: 1 });
// @ts-expect-error the answer is of another type
const wrong: Promise<number> = socket.call("joinRoom", { room: "a" });
here.catch((error: unknown) => {
  if (error instanceof CallError && error.code === "refused")
    return (error.details as Chat.Errors["joinRoom"]).message;
  // @ts-expect-error an unknown error has no code
  return error.code;
});

// on, once, off
const off: () => void = socket.on("newMessage", ({ room, text, userId, timestamp }) => {
  const parts: [string, string, string, number] = [room, text, userId, timestamp];
  void parts;
});
socket.once("disconnect", ({ code, reason, willReconnect }) => {
  const parts: [number, string, boolean] = [code, reason, willReconnect];
  void parts;
});
const texts: string[] = [];
socket.on("newMessage", ({ text }) => texts.push(text));
const added = (text: string) => new Set(texts).add(text);
socket.once("newMessage", async ({ text }) => added(text));
socket.off("newMessage", ({ text }) => added(text));
socket.on("reconnecting", ({ attempt, delay }) => void (attempt + delay));
socket.on("reconnectFailed", ({ attempts, code, reason }) => void (attempts + code + reason));
socket.on("error", ({ code, message, event, details }) => void [code, message, event, details]);
socket.on("reconnect", ({ recovered }) => void (recovered satisfies boolean));
socket.on("disconnect", () => console.log("Disconnected"));
socket.on("connect", async () => {
  await socket.call("joinRoom", { room: "a" });
});
socket.off("newMessage");
// @ts-expect-error no such event
socket.on("newMesage", () => {});
// @ts-expect-error an incoming event
socket.on("sendMessage", () => {});
// @ts-expect-error no such field
socket.on("newMessage", ({ author }) => author);
// @ts-expect-error a field of another type
socket.on("newMessage", ({ timestamp }: { timestamp: string }) => void timestamp);
// @ts-expect-error no such field of a lifecycle event
socket.on("disconnect", ({ wasClean }) => void wasClean);
// @ts-expect-error `connect` has no code
socket.once("connect", ({ code }) => void code);
// @ts-expect-error the text may be null
socket.on("topic", ({ text }) => void text.length);
// @ts-expect-error no such event
socket.off("newMesage");
// @ts-expect-error the status is read only
socket.status = "closed";
// @ts-expect-error no such status
if (socket.status === "open") off();

// codes of errors
"failed" satisfies ErrorCode;
// @ts-expect-error no such code
"refusd" satisfies ErrorCode;
("ofTomorrow" as string) satisfies CallError["code"];

// async iteration
export async function loop() {
  for await (const { event, data } of events(socket)) {
    switch (event) {
      case "newMessage":
        data.text satisfies string;
        // @ts-expect-error a field of another event
        data.missing;
        break;
      case "userJoined":
        data.userId satisfies string;
        break;
      case "topic":
        data.text satisfies string | null;
        break;
      // @ts-expect-error no such event
      case "left":
        break;
      default:
        event satisfies never;
    }
  }
}
void [sent, cleared, wrong];

// tryCall: a union without casts
export async function tried() {
  const result = await socket.tryCall("joinRoom", { room: "a" });
  if (result.ok) return result.value satisfies string[];
  const { error } = result;
  if (error.code === "refused") return error.details satisfies Chat.JoinError;
  if (error.code === "invalid") return error.details.path satisfies string;
  if (error.code === "closed") return error.close?.cause satisfies string | undefined;
  // @ts-expect-error no such code
  if (error.code === "late") return undefined;
  const cleared = await socket.tryCall("clear");
  // @ts-expect-error this call has no typed error
  return !cleared.ok && cleared.error.code === "refused";
}

// auth and identity
connect<Chat>("/", { auth: () => "token", identity: "ann" });
connect<Chat>("/", { auth: () => "token", identity: () => null });
connect<Chat>("/", { identity: null });
client.chat.wsChat.$ws({ identity: "bob", bufferSize: undefined });
// @ts-expect-error auth without identity
connect<Chat>("/", { auth: () => "token" });
// @ts-expect-error auth without identity
createClient<AppRouter>({ baseUrl: "/api", auth: () => "token" });
