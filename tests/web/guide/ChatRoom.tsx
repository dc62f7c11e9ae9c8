import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

import type { Chat } from "./api";

type Message = Chat.Outgoing["newMessage"];

/** Called by the guide's component, which does not define it. */
let setMessages: (update: (messages: Message[]) => Message[]) => void;

// The guide's component; only the import paths differ.
import { useWebSocket } from "./api/react";
import type { AppRouter } from "./api";

function ChatRoom({ room }: { room: string }) {
	const { socket, connected } = useWebSocket<AppRouter["chat"]["wsChat"]>({
		url: "ws://localhost:3000/api/chat/wsChat",
	});

	useEffect(() => {
		if (!socket || !connected) return;

		socket.emit("joinRoom", { room });

		socket.on("newMessage", (msg) => {
			setMessages((prev) => [...prev, msg]);
		});

		return () => {
			socket.emit("leaveRoom", { room });
		};
	}, [socket, connected, room]);

	return <div>{connected ? "Connected" : "Connecting..."}</div>;
}
// End of the guide's component.

/** As in `docs/typescript.md`: the effect removes its handler. */
function TidyChatRoom({ room }: { room: string }) {
  const { socket, connected } = useWebSocket<AppRouter["chat"]["wsChat"]>({
    url: "ws://localhost:3000/api/chat/wsChat",
  });

  useEffect(() => {
    if (!socket || !connected) return;
    const off = socket.on("newMessage", (msg) => {
      setMessages((prev) => [...prev, msg]);
    });
    socket.emit("joinRoom", { room });
    return () => {
      off();
      socket.emit("leaveRoom", { room });
    };
  }, [socket, connected, room]);

  return <div>{connected ? "Connected" : "Connecting..."}</div>;
}

/** The page around the component: its messages, and a button to change the room. */
function Page({ tidy }: { tidy: boolean }) {
  const [room, setRoom] = useState("general");
  const [messages, set] = useState<Message[]>([]);
  setMessages = set;
  return (
    <>
      {tidy ? <TidyChatRoom room={room} /> : <ChatRoom room={room} />}
      <button onClick={() => setRoom("tea")}>Go to tea</button>
      <ol>
        {messages.map(({ room, text }, at) => (
          <li key={at}>{`[${room}] ${text}`}</li>
        ))}
      </ol>
    </>
  );
}

const root = createRoot(document.body);
if (location.hash === "#tidy") {
  root.render(
    <StrictMode>
      <Page tidy />
    </StrictMode>,
  );
} else root.render(<Page tidy={false} />);
