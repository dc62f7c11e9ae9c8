// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { CallError, connect, createClient, type Socket } from "../../src/client.js";
import { fakeServer, fakeSocket, type FakeServer } from "../../src/testing.js";
import type { AppRouter, Auction, Chat } from "../support/contract.js";

const { socket, server, connected } = fakeSocket<Chat>();
socket satisfies Socket<Chat>;
connected satisfies Promise<void>;
const client = createClient<AppRouter>({ baseUrl: "/api", ...server.options });
connect<Chat>("/", { WebSocket: server.WebSocket });
fakeSocket({ client: client.chat.wsChat, callTimeout: 5 }).server satisfies FakeServer<Chat>;
fakeSocket<Chat>({ url: "/api/chat/wsChat", jitter: 0 });
// @ts-expect-error a client and a URL
fakeSocket<Chat>({ client: client.chat.wsChat, url: "/api/chat/wsChat" });
// @ts-expect-error the server is the fake one
fakeSocket<Chat>({ WebSocket: server.WebSocket });
// @ts-expect-error a client of another contract
fakeSocket<Chat>({ client: client.auction });
// @ts-expect-error not a contract
fakeServer<{ incoming: object }>();

// emit
server.emit("newMessage", { room: "a", text: "b", userId: "c", timestamp: 1 });
server.sessions[0]?.emit("topic", { text: null });
// @ts-expect-error an incoming event
server.emit("sendMessage", { room: "a", text: "b" });
// @ts-expect-error no such event
server.emit("newMesage", { room: "a", text: "b", userId: "c", timestamp: 1 });
// @ts-expect-error a field is missing
server.emit("newMessage", { room: "a", text: "b", userId: "c" });
// @ts-expect-error a field is of another type
server.sessions[0]?.emit("topic", { text: 1 });
// @ts-expect-error the payload is missing
server.emit("topic");

// on
server.on("sendMessage", ({ room, text }, from) => {
  from.emit("topic", { text: room satisfies string });
  return text satisfies string;
});
server.on("joinRoom", ({ room }) => room);
// @ts-expect-error an outgoing event
server.on("newMessage", () => {});
// @ts-expect-error no such field
server.on("sendMessage", ({ txt }) => txt);

// onCall
const off: () => void = server.onCall("joinRoom", ({ room }) => [room]);
server.onCall("joinRoom", async ({ room }, { received }) => [room, received[0]?.event ?? ""]);
server.onCall("clear", () => null);
server.onCall("clear", () => {});
server.onCall("joinRoom", ({ room }) =>
  room ? [room] : server.refuse({ error: "noEntry", message: "full" }),
);
server.onCall("joinRoom", async () => {
  throw server.refuse({ error: "noEntry", message: "full" });
});
server.onCall("search", () => {
  throw new CallError("limited", "too many");
});
// @ts-expect-error an event without an answer is not a call
server.onCall("sendMessage", () => null);
// @ts-expect-error the answer is of another type
server.onCall("joinRoom", () => [1]);
// @ts-expect-error the answer is missing
server.onCall("joinRoom", () => {});
// @ts-expect-error the promise is for another type
server.onCall("joinRoom", async () => "a");
// @ts-expect-error no such field
server.onCall("joinRoom", ({ rom }) => [rom]);
// @ts-expect-error no such error
server.refuse({ error: "full", message: "" });
// @ts-expect-error this call has no typed error
server.onCall("clear", () => server.refuse({ error: "noEntry", message: "full" }));
// @ts-expect-error no call of this contract has a typed error
fakeServer<Auction>().refuse({});

// received, next
export async function receive() {
  const { room, text }: { room: string; text: string } = await server.next("sendMessage");
  // @ts-expect-error an outgoing event
  await server.next("newMessage");
  const [first] = server.received;
  if (first?.event === "sendMessage") first.data.text satisfies string;
  // @ts-expect-error no such event
  if (first?.event === "newMessage") return;
  // @ts-expect-error what was received is read only
  server.received.push({ event: "joinRoom", data: { room, text } });
}

// the connection
server.cut();
server.cut({ silent: true });
server.restore();
server.restore({ recovered: false, reason: "expired" });
// @ts-expect-error no such reason
server.restore({ recovered: false, reason: "late" });
server.close(4501, "token expired");
// @ts-expect-error a close code is required
server.close();
server.reject(4501, "token expired", 2);
server.onAttempt(({ url, token }) => (url && token ? undefined : { code: 4501 }));
server.onAttempt(async ({ token }) => {
  if (!token) return { code: 4501, reason: "no token" };
  return undefined;
});
// @ts-expect-error a rejection has a close code
server.onAttempt(() => ({ reason: "no" }));
void off;
