// The real client against a model of a server that keeps sessions, on a network that does its worst.
// `CASES=100000 npm run unit recoveryModel` tries more of it, `SEED=7` that one case.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect, type CallError, type SocketError } from "../src/client.js";
import { settle, startClock, stopClock } from "./support/fakeWebSocket.js";
import { ModelServer, resumable, type Wire } from "./support/modelServer.js";

beforeEach(stopClock);
afterEach(startClock);

interface Anything {
  incoming: Record<string, object>;
  outgoing: { tick: { session: number; k: number } };
  answers: Record<string, string>;
  errors: object;
}

/** Random numbers from 0 to 1, the same for each seed. */
function mulberry(seed: number) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lets `ms` go by, in few steps. */
async function pass(ms: number) {
  for (let left = ms; left > 0; left -= 500) {
    mock.timers.tick(Math.min(left, 500));
    await settle();
  }
}

const numberOf = (name: string) => Number(name.slice(name.indexOf(":") + 1));

/** One random story. */
async function play(seed: number, seen: Map<string, number>) {
  const random = mulberry(seed);
  const upTo = (n: number) => Math.floor(random() * (n + 1));
  const pick = <T>(of: readonly T[]): T => of[upTo(of.length - 1)] as T;
  const note = (what: string) => void seen.set(what, (seen.get(what) ?? 0) + 1);

  const slow = random() < 0.3;
  const server = new ModelServer(() => (slow ? 128 : 1 + upTo(20)));
  const socket = connect<Anything>("ws://server/chat", {
    WebSocket: server.webSocket(),
    jitter: 0,
    reconnectInterval: 500,
    maxReconnectInterval: 2000,
    maxReconnectAttempts: Infinity,
    connectTimeout: 3000,
    heartbeatInterval: 5000,
    heartbeatTimeout: 2000,
    callTimeout: Infinity,
    bufferSize: 40,
  });

  /** What was taken on, and what is excused from being handled. */
  const posted = new Set<string>();
  const excused = new Set<string>();
  const refused = new Set<string>();
  let calls = 0;
  /** Grows with each session that is not the one before, as far as the client was told. */
  let sessions = 0;
  let lostSince = false;
  let next: { session: number; k: number } | undefined;
  let n = 0;
  let joins = 0;

  // What a handler throws would only be an `error` event.
  let failure: unknown;
  const verify = (holds: boolean, otherwise: string) => {
    if (!holds) failure ??= new Error(otherwise);
  };

  socket.on("error", ({ code, event = "", details }: SocketError) => {
    if (code === "lost") {
      verify(posted.has(event) && !excused.has(event), `${event} is lost twice`);
      verify(!server.wires.some(({ seen }) => seen.has(event)), `${event} is lost although it was confirmed`);
      excused.add(event);
      lostSince = true;
      note("lost");
    } else if (code === "closed" || code === "full") {
      refused.add(event);
      posted.delete(event);
    } else verify(code === "connect", `${code}: ${details}`);
  });
  socket.on("disconnect", ({ code, willReconnect }) => {
    if (willReconnect && resumable(code)) return;
    sessions++;
    lostSince = false;
  });
  socket.on("connect", ({ recovered, reason }) => {
    note(recovered ? "recovered" : `not recovered: ${reason ?? "the first"}`);
    if (recovered) verify(!lostSince, "a message is lost in a session that goes on");
    else {
      sessions++;
      next = undefined;
    }
    lostSince = false;
    if (random() < 0.3) {
      const name = `join:${++joins}`;
      posted.add(name);
      socket.emit(name, {});
    }
  });
  socket.on("tick", (tick) => {
    const { session, k } = next ?? { session: tick.session, k: 0 };
    verify(tick.session === session && tick.k === k, `event ${tick.k} of ${tick.session} for ${k} of ${session}`);
    next = { session, k: k + 1 };
    if (random() < 0.0005) close();
  });

  const pad = () => "x".repeat(random() < 0.03 ? upTo(40_000) : upTo(20));
  const emit = () => {
    const name = `say:${++n}`;
    posted.add(name);
    socket.emit(name, { pad: pad() });
  };
  const call = () => {
    const name = `ask:${++n}`;
    const before = socket.status === "closed" ? -1 : sessions;
    calls++;
    posted.add(name);
    socket.call(name, { pad: pad() }).then(
      (answer) => {
        calls--;
        verify(answer === name, `${answer} for ${name}`);
      },
      ({ code }: CallError) => {
        calls--;
        note(`call ${code}`);
        if (code === "full") return posted.delete(name);
        verify(code === "closed" || code === "disconnected", `call ${code}`);
        verify(sessions > before, "a call is rejected in a session that goes on");
        return excused.add(name);
      },
    );
  };
  /** The client closes, which drops what is not sent; and sometimes it is opened at once. */
  const close = () => {
    for (const name of posted) excused.add(name);
    socket.close();
    sessions++;
    lostSince = false;
    if (random() < 0.5) socket.connect();
  };

  const live = () => server.wires.filter(({ readyState }) => readyState < 3);
  const current = () => server.wires.at(-1) as Wire;
  const dialling = () => live().filter(({ readyState }) => readyState === 0);
  const accept = () => {
    for (const wire of dialling()) server.accept(wire);
  };
  const deliver = (wire: Wire, most: number) => {
    if (random() < 0.5) wire.deliverToServer(most);
    else wire.deliverToClient(most);
  };
  const steps: [weight: number, step: () => unknown][] = [
    [20, emit],
    [8, call],
    [0.5, () => { for (let i = upTo(300); i > 0; i--) emit(); }],
    [15, () => {
      for (const session of server.sessions) if (session.secrets.length) session.tick(pad());
    }],
    [0.5, () => {
      for (const session of server.sessions)
        if (session.secrets.length) for (let i = upTo(300); i > 0; i--) session.tick("");
    }],
    [40, () => live().length && deliver(pick(live()), 1 + upTo(30))],
    [10, () => {
      for (const wire of live()) {
        wire.deliverToServer(1000);
        wire.deliverToClient(1000);
      }
    }],
    [20, accept],
    [10, () => pass(100 * (1 + upTo(10)))],
    [2, () => pass(1000 * upTo(9))],
    [0.5, () => pass(1000 * upTo(40))],
    // The network cuts: both sides hear of it, or one, or none; or only one direction.
    [4, () => current().end(1006)],
    [2, () => current().cut()],
    [1, () => { current().cutToServer = true; current().toServer.length = 0; }],
    [1, () => { current().cutToClient = true; current().toClient.length = 0; }],
    [2, () => current().session?.wire === current() && current().closeByServer(4001)],
    [2, () => {
      for (const session of server.sessions) if (session.wire && random() < 0.5) session.detach();
    }],
    // The server closes, refuses, restarts.
    [2, () => {
      const code = pick(random() < 0.8 ? [1001, 1013, 4000, 4001] : [1005, 1009, 1011, 1012, 4500]);
      const session = current().readyState === 1 && current().closeByServer(code, pick(["", "retry in 300 ms"]));
      if (session && !resumable(code)) session.secrets = [];
    }],
    [2, () => {
      for (const wire of dialling()) {
        const code = pick([4002, 4003, 1006]);
        if (code !== 1006) wire.open();
        wire.end(code);
      }
    }],
    [0.3, () => server.restart(pick([1012, 1006]))],
    [0.2, close],
    [1, () => {
      socket.connect();
      return settle();
    }],
  ];
  const total = steps.reduce((sum, [weight]) => sum + weight, 0);

  /** A session hears only its connection. */
  const drop = () => {
    for (const wire of server.wires) if (wire.session && wire.session.wire !== wire) wire.supersede();
  };

  await settle();
  accept();
  for (let left = 20 + upTo(150); left > 0; left--) {
    let at = random() * total;
    const [, step] = steps.find(([weight]) => (at -= weight) < 0) ?? [0, emit];
    await step();
    drop();
    if (random() < 0.1) await settle();
  }

  // All is well again: what can arrive does.
  const done = () =>
    socket.connected && !calls && live().every(({ toServer, toClient }) => !toServer.length && !toClient.length);
  for (let quiet = 0, tries = 0; quiet < 8; tries++) {
    assert.ok(tries < 1000, `no end: ${socket.status}, ${calls} calls`);
    if (socket.status === "closed") socket.connect();
    await settle();
    accept();
    for (const wire of live()) {
      wire.deliverToServer(Infinity);
      wire.deliverToClient(Infinity);
    }
    await settle();
    quiet = done() ? quiet + 1 : 0;
    await pass(1000);
  }
  if (failure) throw failure;

  const handled = server.handled.map(({ name }) => name);
  let last = { name: "", number: 0, session: 0 };
  for (const { name, session } of server.handled) {
    // Those of `connect` go out before what was kept, which one of an earlier connection may be.
    if (name.startsWith("join")) continue;
    const number = numberOf(name);
    // What was under way when the client ended the session may come when it has another one already.
    if (session < last.session) assert.ok(excused.has(name), `${name} of session ${session}`);
    else {
      assert.ok(number > last.number, `${name} after ${last.name}`);
      last = { name, number, session };
    }
  }
  const all = new Set(handled);
  assert.equal(all.size, handled.length, "handled twice");
  for (const name of posted) assert.ok(all.has(name) || excused.has(name), `${name} is missing`);
  for (const name of refused) assert.ok(!all.has(name), `${name} was refused`);
  const session = server.sessions.at(-1);
  assert.equal(next?.k ?? 0, session?.ticks, "the server's events");
  if (next) assert.equal(next.session, session?.id);
  socket.close();
}

test("each frame is handled once and in order, or the client reports it", { timeout: Infinity }, async (t) => {
  const { CASES = "2000", SEED } = process.env;
  const seen = new Map<string, number>();
  const [first, last] = SEED ? [Number(SEED), Number(SEED)] : [1, Number(CASES)];
  for (let seed = first; seed <= last; seed++) {
    try {
      await play(seed, seen);
    } catch (cause) {
      throw new Error(`SEED=${seed}: ${(cause as Error).message}`, { cause });
    }
    startClock();
    stopClock();
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(seen)));
  if (!SEED)
    for (const what of ["recovered", "lost", "not recovered: unknown", "not recovered: expired", "not recovered: ended", "call disconnected"])
      assert.ok(seen.get(what), `${what} never came to pass`);
});
