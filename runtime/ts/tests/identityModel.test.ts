// Logins, faults and messages at random, with the client and the fake server.
// `CASES=100000 npm run unit identityModel` runs more cases, `SEED=7` begins with that one.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect } from "../src/client.js";
import { fakeServer } from "../src/testing.js";
import type { Chat } from "./support/contract.js";
import { mulberry } from "./support/random.js";
import { settle, startClock, stopClock } from "./support/fakeWebSocket.js";

const cases = Number(process.env["CASES"] ?? 300);
const firstSeed = Number(process.env["SEED"] ?? 1);

beforeEach(() => {
  stopClock();
  for (const method of ["warn", "error"] as const) mock.method(console, method, () => {});
});
afterEach(() => {
  mock.restoreAll();
  startClock();
});

/** Logs in and out, emits, calls, cuts and restores at random, also in handlers. Returns what is wrong. */
async function run(seed: number): Promise<string[]> {
  const next = mulberry(seed);
  const random = (below: number) => Math.floor(next() * below);
  const wrong: string[] = [];
  let user: string | null = "ann";
  let sent = 0;
  const received = new Set<string>();
  const pendingTokens: (() => void)[] = [];
  const server = fakeServer<Chat>();
  /** A text is `user:number`. */
  const receive = (text: string, token: string | undefined) => {
    if (text.split(":")[0] !== String(token ?? null)) wrong.push(`${text} was received from ${token}`);
    if (received.has(text)) wrong.push(`${text} was received twice`);
    received.add(text);
  };
  server.on("sendMessage", ({ text }, session) => receive(text, session.attempt.token));
  server.onCall("joinRoom", ({ room }, session) => {
    receive(room, session.attempt.token);
    return [room];
  });
  const socket = connect<Chat>("ws://server/other", {
    ...server.options,
    identity: () => user,
    auth: async () => {
      const token = user;
      if (random(3) === 0) await new Promise<void>((resolve) => pendingTokens.push(resolve));
      return token;
    },
  });

  const steps: (() => unknown)[] = [
    () => socket.emit("sendMessage", { room: "a", text: `${user}:${++sent}` }),
    () => {
      const room = `${user}:${++sent}`;
      socket.tryCall("joinRoom", { room }).then((result) => {
        if (result.ok && result.value[0] !== room) wrong.push(`${room} got the answer of ${result.value}`);
      });
    },
    () => (user = ["ann", "bob", null][random(3)] as string | null),
    () => socket.connect(),
  ];
  const faults: (() => unknown)[] = [
    () => server.cut(),
    () => server.restore(random(2) ? {} : { reason: random(2) ? "expired" : "identity" }),
    () => server.close([1006, 1012, 4001][random(3)] as number),
    () => server.confirm(),
    () => pendingTokens.splice(0).forEach((resolve) => resolve()),
    () => mock.timers.tick([10, 2000, 40_000][random(3)] as number),
    () => {
      for (const session of server.sessions) {
        const text = `${session.attempt.token ?? null}:shown`;
        if (session.connected) session.emit("newMessage", { room: "a", text, userId: "", timestamp: 0 });
      }
    },
  ];
  const step = (all: (() => unknown)[]) => all[random(all.length)]?.();
  let depth = 0;
  const inHandler = () => {
    if (depth > 2 || random(3)) return;
    depth++;
    step(steps);
    depth--;
  };
  for (const event of ["connect", "disconnect", "reconnecting", "error", "newMessage"] as const)
    socket.on(event, inHandler);
  socket.subscribe(inHandler);
  socket.on("newMessage", ({ text }) => {
    if (text.split(":")[0] !== String(user)) wrong.push(`${text} was dispatched to ${user}`);
  });

  for (let i = 0; i < 40; i++) {
    step(random(2) ? steps : faults);
    if (random(2)) await settle();
  }
  depth = Infinity;
  server.restore();
  for (let i = 0; i < 100 && !socket.connected; i++) {
    pendingTokens.splice(0).forEach((resolve) => resolve());
    mock.timers.tick(1000);
    await settle();
  }
  if (!socket.connected) wrong.push(`it is ${socket.status} at the end`);
  socket.close();
  return wrong;
}

test(`nothing is sent, answered or dispatched as another user in ${cases} random runs`, async () => {
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) assert.deepEqual(await run(seed), [], `SEED=${seed}`);
});
