// Two clients of jstack-shared, which use plain mode, in one room of the chat. Prints each event as a line of
// JSON, which the test reads.
import WebSocket from "ws";

globalThis.WebSocket = WebSocket;
const log = console.log;
for (const level of ["log", "info", "warn", "error", "debug"]) console[level] = () => {};
const { ClientSocket } = await import("jstack-shared");

const print = (...what) => log(JSON.stringify(what));
const url = process.argv[2];

function open(name) {
  const socket = new ClientSocket(`${url}?name=${name}`);
  for (const event of ["newMessage", "userJoined", "userLeft"]) {
    socket.on(event, (data) => {
      print(name, event, data);
      waiters.get(`${name} ${event}`)?.(data);
    });
  }
  const connected = new Promise((resolve) => socket.on("onConnect", resolve));
  return { socket, connected };
}

const waiters = new Map();
const wait = (name, event) => new Promise((resolve) => waiters.set(`${name} ${event}`, resolve));

const ada = open("ada");
const bob = open("bob");
await Promise.all([ada.connected, bob.connected]);

const adaIn = wait("ada", "userJoined");
ada.socket.emit("joinRoom", { room: "general" });
await adaIn;
const bobIn = wait("bob", "userJoined");
bob.socket.emit("joinRoom", { room: "general" });
await bobIn;

const received = wait("bob", "newMessage");
ada.socket.emit("sendMessage", { room: "general", text: "Hello!" });
await received;

// The client itself pings only every 30 s: send the same ping now.
const pong = new Promise((resolve) => {
  ada.socket.ws.addEventListener("message", (event) => {
    const [name, payload] = JSON.parse(event.data);
    if (name === "pong") resolve(payload);
  });
});
ada.socket.emit("ping", null);
print("pong", await pong);

const left = wait("bob", "userLeft");
ada.socket.emit("leaveRoom", { room: "general" });
await left;
print("done");
process.exit(0);
