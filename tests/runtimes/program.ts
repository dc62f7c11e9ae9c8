// The program that each runtime runs: a client of the chat example. It uses nothing but the language, the
// client and what its host passes to it.
import { CallError, createClient, type AppRouter, type Socket, type Chat, type WebSocketConstructor } from "./api";

/** What differs between the runtimes. */
export interface Host {
  /** Where the procedures are. */
  baseUrl: string;
  /** The class to connect with. Default: the global one. */
  WebSocket?: WebSocketConstructor | undefined;
  /** Prints a line for the test. After the line `cut` the test cuts the connection. */
  print(line: string): void;
}

declare global {
  var runProgram: (host: Host) => Promise<void>;
}

type Event = Parameters<Socket<Chat>["on"]>[0];

globalThis.runProgram = async ({ baseUrl, WebSocket, print }) => {
  // A token that is not ASCII.
  const auth = { auth: () => "tökén", identity: "ada" };
  const client = createClient<AppRouter>({ baseUrl, ...auth, reconnectInterval: 10, WebSocket });
  const socket = client.chat.wsChat.$ws();
  const next = (event: Event) => new Promise<void>((resolve) => socket.once(event, () => resolve()));
  const log = (event: Event) => socket.on(event, (data) => print(`${event} ${JSON.stringify(data)}`));
  const say = (text: string) => {
    const received = next("newMessage");
    const sent = socket.emit("sendMessage", { room: "tea", text });
    print(`${socket.status}: emit ${sent}`);
    return received;
  };
  const failure = (call: Promise<unknown>) =>
    call.then(
      () => print("resolved"),
      (error: unknown) => {
        if (!(error instanceof CallError)) return print((error as Error).name);
        print(`${error.code}: ${JSON.stringify(error.details)}`);
      },
    );

  for (const event of ["connect", "reconnect", "error"] as const) log(event);
  // Each runtime has its own reason for a connection that was lost.
  socket.on("disconnect", ({ code, willReconnect }) => print(`disconnect ${code} ${willReconnect}`));
  socket.on("newMessage", ({ text }) => print(`newMessage ${text}`));

  // Before the connection is open.
  socket.emit("joinRoom", { room: "tea" });
  await say("before open");

  const members = await socket.call("joinRoom", { room: "tea" });
  print(`members: ${members.length}`);
  await failure(socket.call("joinRoom", { room: "x".repeat(300) }));
  await failure(socket.call("sendMessage" as "joinRoom", { room: "tea", text: "" } as { room: string }));
  const abort = new AbortController();
  const aborted = failure(socket.call("joinRoom", { room: "tea" }, { signal: abort.signal }));
  abort.abort();
  await aborted;
  await say("é漢🎉");

  const [lost, restored] = [next("disconnect"), next("reconnect")];
  print("cut");
  await lost;
  const received = say("without a connection");
  await restored;
  await received;

  socket.close();
  await failure(socket.call("joinRoom", { room: "tea" }));
  print(`${socket.status}: ${JSON.stringify(socket.lastClose)}`);
};
