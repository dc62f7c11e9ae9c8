// Two clients of jstack-shared, which speak plain frames, in one room of the chat. Prints one JSON line per thing
// that a user would notice; the test reads them.
import WebSocket from "ws";

globalThis.WebSocket = WebSocket;
const log = console.log;
for (const level of ["log", "info", "warn", "error", "debug"]) console[level] = () => {};
const { ClientSocket } = await import("jstack-shared");

const say = (...what) => log(JSON.stringify(what));
const url = process.argv[2];

function open(name) {
  const socket = new ClientSocket(`${url}?name=${name}`);
  for (const event of ["newMessage", "userJoined", "userLeft"]) {
    socket.on(event, (data) => {
      say(name, event, data);
      seen.get(`${name} ${event}`)?.(data);
    });
  }
  const connected = new Promise((resolve) => socket.on("onConnect", resolve));
  return { socket, connected };
}

const seen = new Map();
const wait = (name, event) => new Promise((resolve) => seen.set(`${name} ${event}`, resolve));

const ada = open("ada");
const bob = open("bob");
await Promise.all([ada.connected, bob.connected]);

const adaIn = wait("ada", "userJoined");
ada.socket.emit("joinRoom", { room: "general" });
await adaIn;
const bobIn = wait("bob", "userJoined");
bob.socket.emit("joinRoom", { room: "general" });
await bobIn;

const heard = wait("bob", "newMessage");
ada.socket.emit("sendMessage", { room: "general", text: "Hello!" });
await heard;

// The client pings by itself only every 30 s: ask as it does.
const pong = new Promise((resolve) => {
  ada.socket.ws.addEventListener("message", (event) => {
    const [name, payload] = JSON.parse(event.data);
    if (name === "pong") resolve(payload);
  });
});
ada.socket.emit("ping", null);
say("pong", await pong);

const left = wait("bob", "userLeft");
ada.socket.emit("leaveRoom", { room: "general" });
await left;
say("done");
process.exit(0);
