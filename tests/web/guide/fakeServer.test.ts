// The same steps with the real server and with the fake one of `testing.ts`: sockets report the same.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { WebSocket } from "ws";

import { Server } from "../support/program";
import { Proxy } from "../support/proxy";
import { connect, type CallError, type Chat, type Options, type Socket } from "./api";
import { fakeServer, type FakeSession } from "./api/testing";
import { join } from "./events";

/** A server that the steps can cut. */
interface Side {
  url: string;
  options: Options;
  /** Ends the connections; attempts fail from now on. */
  cut(): void;
  /** Admits attempts again, with the sessions or without them. */
  restore(recovered: boolean): Promise<void>;
}

let server: Server;
let proxy: Proxy;

before(async () => {
  server = await Server.start("guide");
  proxy = await Proxy.to(server.port);
});
after(async () => {
  proxy?.close();
  await server?.kill();
});

const real = (): Side => ({
  url: `ws://127.0.0.1:${proxy.port}/api/chat/wsChat`,
  options: { WebSocket },
  cut() {
    proxy.refuse();
    proxy.cut();
  },
  async restore(recovered) {
    if (!recovered) {
      await server.kill();
      server = await server.restart();
    }
    proxy.refuse(false);
  },
});

function fake(): Side {
  const server = fakeServer<Chat>();
  const members = new Set<FakeSession<Chat>>();
  server.on("joinRoom", ({ room }, session) => {
    members.add(session);
    session.emit("userJoined", { room, userId: "ann" });
  });
  server.on("sendMessage", ({ room, text }) => {
    for (const member of members) member.emit("newMessage", { room, text, userId: "ann", timestamp: 1 });
  });
  return {
    url: "ws://fake/api/chat/wsChat",
    options: server.options,
    cut: () => server.cut(),
    restore: async (recovered) => server.restore({ recovered }),
  };
}

/** Takes the steps. Returns what the socket reported, without waits and ids. */
async function steps({ url, options, cut, restore }: Side): Promise<unknown[]> {
  const socket: Socket<Chat> = connect<Chat>(url, { ...options, reconnectInterval: 10 });
  const log: unknown[] = [];
  for (const event of ["connect", "disconnect", "reconnect"] as const)
    socket.on(event, (data) => log.push([event, data]));
  socket.on("error", ({ code, event }) => code === "connect" || log.push([code, event]));
  socket.on("newMessage", ({ room, text }) => log.push([room, text]));
  const connected = () => new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  const arrived = (text: string) =>
    new Promise<void>((resolve) => {
      const off = socket.on("newMessage", (message) => {
        if (message.text !== text) return;
        off();
        resolve();
      });
    });
  const send = (text: string) => log.push(["emit", socket.emit("sendMessage", { room: "room", text })]);
  const lose = async () => {
    const lost = new Promise<void>((resolve) => socket.once("disconnect", () => resolve()));
    cut();
    await lost;
    log.push([socket.status, { ...socket.lastClose }]);
  };
  const sendAndWait = async (text: string) => {
    const answer = arrived(text);
    send(text);
    await answer;
  };

  send("");
  await connected();
  await join(socket, "room");
  await sendAndWait("first");
  const unknown = await socket.call("nothing" as never, {} as never).catch(({ code }: CallError) => code);
  log.push(["call", unknown]);

  await lose();
  send("while it is lost");
  const [resumed, replayed] = [connected(), arrived("while it is lost")];
  await restore(true);
  await resumed;
  await replayed;

  await sendAndWait("not acknowledged");
  await lose();
  send("queued");
  const begun = connected();
  await restore(false);
  await begun;
  await join(socket, "room");
  await sendAndWait("last");

  socket.close(4000, "done");
  send("after close");
  log.push([socket.status, { ...socket.lastClose }]);
  return log;
}

test("a socket reports the same with the fake server as with the real one", async () => {
  const [expected, actual] = [await steps(real()), await steps(fake())];
  assert.deepEqual(actual, expected);
});
