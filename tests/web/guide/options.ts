import { createClient } from "./api";
import type { AppRouter } from "./api";

const client = createClient<AppRouter>({
	baseUrl: "http://localhost:3000/api",
});

// From here on a copy of the guide.
const socket = client.chat.wsChat.$ws({
	heartbeatInterval: 30000,  // ms between heartbeats (default: 30s)
	reconnect: true,           // auto-reconnect on disconnect
	reconnectInterval: 1000,   // ms between reconnection attempts
	maxReconnectAttempts: 10,  // max retry attempts
});

socket.on("disconnect", () => console.log("Disconnected"));
socket.on("reconnect", () => console.log("Reconnected"));
