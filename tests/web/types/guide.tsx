// Checked by `tsc` only: each `@ts-expect-error` is an error if the line below it has none.
import { createClient, type AppRouter } from "../guide/api";
import { useWebSocket } from "../guide/api/react";

const client = createClient<AppRouter>({ baseUrl: "http://localhost:3000/api" });
// @ts-expect-error no such option
client.chat.wsChat.$ws({ heartbeat: 30000 });
// @ts-expect-error a number of ms, not a string
client.chat.wsChat.$ws({ reconnectInterval: "1s" });
// @ts-expect-error the base URL is missing
createClient<AppRouter>();
// @ts-expect-error this procedure has no calls
client.chat.wsChat.$ws().call("joinRoom", { room: "general" });

export function Room() {
  const { socket, connected } = useWebSocket<AppRouter["chat"]["wsChat"]>({
    url: "/api/chat/wsChat",
    events: {
      newMessage: ({ text }) => void text.trim(),
      // @ts-expect-error no such field
      userJoined: ({ name }) => void name,
    },
  });
  useWebSocket({ client: client.chat.wsChat, events: { newMessage: ({ text }) => void text.trim() } });
  // @ts-expect-error no such event
  useWebSocket(socket, { message: () => {} });
  // @ts-expect-error the socket may be null
  socket.emit("joinRoom", { room: "general" });
  // @ts-expect-error no such event
  socket?.emit("join", { room: "general" });
  // @ts-expect-error the URL is missing
  useWebSocket<AppRouter["chat"]["wsChat"]>({});
  return <p>{connected ? "Connected" : "Connecting..."}</p>;
}
// @ts-expect-error no such procedure
export type Other = AppRouter["chat"]["wsTalk"];
