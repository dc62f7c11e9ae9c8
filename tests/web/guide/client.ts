// The guide's client; only the import paths differ.
import { createClient } from "./api";
import type { AppRouter } from "./api";

const client = createClient<AppRouter>({
	baseUrl: "http://localhost:3000/api",
});

const socket = client.chat.wsChat.$ws();

// Listen for outgoing events (server-to-client)
socket.on("newMessage", (data) => {
	console.log(`[${data.room}] ${data.userId}: ${data.text}`);
});

socket.on("userJoined", (data) => {
	console.log(`${data.userId} joined ${data.room}`);
});

// Emit incoming events (client-to-server)
socket.emit("joinRoom", { room: "general" });
socket.emit("sendMessage", { room: "general", text: "Hello!" });
