// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { useEffect, useState } from "react";

import { createClient, type Close, type Socket, type Violation } from "../../src/client.js";
import { useCall, useConnection, useEvent, useWebSocket } from "../../src/react.js";
import type { AppRouter, Chat } from "../support/contract.js";

const client = createClient<AppRouter>({ baseUrl: "http://localhost:3000/api" });

/** The component of the guide. */
export function ChatRoom({ room }: { room: string }) {
  const [messages, setMessages] = useState<Chat.Outgoing["newMessage"][]>([]);
  const { socket, connected } = useWebSocket<AppRouter["chat"]["wsChat"]>({
    url: "ws://localhost:3000/api/chat/wsChat",
  });
  useEffect(() => {
    if (!socket || !connected) return;
    socket.emit("joinRoom", { room });
    const off = socket.on("newMessage", (msg) => {
      setMessages((prev) => [...prev, msg]);
    });
    return () => {
      off();
      socket.emit("leaveRoom", { room });
    };
  }, [socket, connected, room]);
  return <div>{connected ? `Connected ${messages.length}` : "Connecting..."}</div>;
}

export function useInferred(given: Socket<Chat> | null) {
  const { socket, status } = useWebSocket({
    client: client.chat.wsChat,
    url: (url) => `${url}?name=ada`,
    auth: async () => "token",
    identity: "ada",
    enabled: true,
    events: {
      newMessage: ({ text }) => text.length,
      disconnect: ({ code }) => void code.toFixed(),
    },
  });
  socket?.emit("joinRoom", { room: "a" });
  status satisfies "connecting" | "connected" | "reconnecting" | "closed";
  // @ts-expect-error no such event in the contract of the client
  socket?.emit("bid", { amount: 1 });

  useWebSocket(given, { userJoined: ({ userId }) => void userId.length }, { enabled: false });
  useWebSocket(given);
  // @ts-expect-error no such event
  useWebSocket(given, { userjoined: () => {} });
  // @ts-expect-error a field of another type
  useWebSocket(given, { userJoined: ({ userId }: { userId: number }) => void userId });
  // @ts-expect-error no URL
  useWebSocket<Chat>({ enabled: true });
  // @ts-expect-error no such option
  useWebSocket<Chat>({ url: "/", retries: 3 });
  // @ts-expect-error no such event
  useWebSocket<Chat>({ url: "/", events: { newMesage: () => {} } });
  // @ts-expect-error a procedure, not a part of a path
  useWebSocket({ client: client.chat });
  // @ts-expect-error it is not known whose token it is
  useWebSocket<Chat>({ url: "/", auth: () => "token" });
  // @ts-expect-error it is not known whose token it is
  useWebSocket({ client: client.chat.wsChat, auth: () => "token" });
  useWebSocket<Chat>({ url: "/", auth: () => "token", identity: () => null, key: undefined });
  // @ts-expect-error the socket may be null
  useWebSocket<Chat>({ url: "/" }).socket.close();
}

export function useHooks(given: Socket<Chat> | null) {
  useEvent(given, "newMessage", ({ text }) => text.length);
  useEvent(given, "disconnect", async ({ code }) => code.toFixed());
  // @ts-expect-error no such event
  useEvent(given, "newMesage", () => {});
  // @ts-expect-error an incoming event
  useEvent(given, "joinRoom", () => {});
  // @ts-expect-error a field of another type
  useEvent(given, "newMessage", ({ text }: { text: number }) => text);

  const { data, error, pending, call, cancel } = useCall(given, "joinRoom");
  data satisfies string[] | undefined;
  pending satisfies boolean;
  cancel();
  if (error) {
    switch (error.code) {
      case "refused":
        error.details satisfies Chat.JoinError;
        break;
      case "invalid":
        error.details satisfies Violation;
        break;
      case "timedOut":
      case "aborted":
        error.message satisfies string;
        break;
      // @ts-expect-error no such code
      case "refusd":
        break;
    }
  }
  void call({ room: "a" }, { timeout: 5 }).then((result) => {
    if (result.ok) result.value satisfies string[];
    else if (result.error.code === "refused") result.error.details.error satisfies "noEntry";
  });
  // @ts-expect-error the payload is missing
  void call();
  // @ts-expect-error a field is misspelt
  void call({ rom: "a" });
  // @ts-expect-error `cancel` cancels
  void call({ room: "a" }, { signal: new AbortController().signal });
  void useCall(given, "search").call();
  // @ts-expect-error an event without an answer is not a call
  useCall(given, "sendMessage");
  const cleared = useCall(given, "clear");
  cleared.data satisfies null | undefined;
  // @ts-expect-error a call without a typed error is not refused
  if (cleared.error?.code === "refused") return;

  const { status, connected, lastClose } = useConnection(given);
  status satisfies "connecting" | "connected" | "reconnecting" | "closed";
  connected satisfies boolean;
  lastClose satisfies Close | undefined;
  useWebSocket(given).lastClose?.cause satisfies Close["cause"] | undefined;
  useWebSocket<Chat>({ url: () => "/", key: "a", enabled: undefined, events: undefined });
  // @ts-expect-error the key is not a string
  useWebSocket<Chat>({ url: "/", key: 1 });
}
