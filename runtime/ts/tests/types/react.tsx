// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { useEffect, useState } from "react";

import { createClient, type Socket } from "../../src/client.js";
import { useWebSocket } from "../../src/react.js";
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
