// A node of Socket.IO. ADAPTER is "redis" or "redis-streams".
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const { ADAPTER, PORT, REDIS_URL } = process.env;

async function connect(client) {
  // Without a listener, an error ends the process.
  client.on("error", () => {});
  return client.connect();
}

async function adapter() {
  const client = createClient({ url: REDIS_URL });
  await connect(client);
  if (ADAPTER === "redis-streams") {
    return createStreamsAdapter(client);
  }
  const subscriber = client.duplicate();
  await connect(subscriber);
  return createAdapter(client, subscriber);
}

// redis-adapter does not handle that a publish fails, as one does that is under way when Redis ends. Without this
// listener, Node ends then.
process.on("unhandledRejection", () => {});

const server = createServer();
const io = new Server(server, { adapter: await adapter(), transports: ["websocket"] });
io.on("connection", (socket) => {
  socket.on("joinRoom", ({ room }) => socket.join(room));
  socket.on("echo", ({ text }) => socket.emit("echoed", { text }));
  socket.on("sendMessage", ({ room, text }) => {
    io.to(room).emit("newMessage", { room, text, userId: socket.id, timestamp: Date.now() });
  });
});
server.listen(Number(PORT), "127.0.0.1");
