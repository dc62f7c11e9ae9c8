// The client against a model of a server with recovery, over a network with random faults.
// `CASES=100000 npm run unit recoveryModel` runs more cases, `SEED=7` runs one.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { connect, type CallError, type SocketError } from "../src/client.js";
import { settle, startClock, stopClock } from "./support/fakeWebSocket.js";
import { mulberry } from "./support/random.js";
import { ModelServer, isResumable, type ModelConnection } from "./support/modelServer.js";

beforeEach(stopClock);
afterEach(startClock);

interface AnyContract {
  incoming: Record<string, object>;
  outgoing: { tick: { session: number; k: number } };
  answers: Record<string, string>;
  errors: object;
}

/** Moves the clock by `ms` in steps of 500 ms. */
async function advanceBy(ms: number) {
  for (let left = ms; left > 0; left -= 500) {
    mock.timers.tick(Math.min(left, 500));
    await settle();
  }
}

const numberOf = (name: string) => Number(name.slice(name.indexOf(":") + 1));

/** Runs one random case, and counts what happens in it. */
async function runCase(seed: number, seen: Map<string, number>) {
  const random = mulberry(seed);
  const upTo = (n: number) => Math.floor(random() * (n + 1));
  const pick = <T>(of: readonly T[]): T => of[upTo(of.length - 1)] as T;
  const count = (what: string) => void seen.set(what, (seen.get(what) ?? 0) + 1);

  const slow = random() < 0.3;
  const server = new ModelServer(() => (slow ? 128 : 1 + upTo(20)));
  const socket = connect<AnyContract>("ws://server/chat", {
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

  /** Frames that were sent or queued; those that may not be handled; those that must not be. */
  const accepted = new Set<string>();
  const mayBeMissing = new Set<string>();
  const refused = new Set<string>();
  let calls = 0;
  /** The number of sessions that the client knows of. */
  let sessions = 0;
  let lostSince = false;
  let next: { session: number; k: number } | undefined;
  let n = 0;
  let joins = 0;

  // A handler that throws only causes an `error` event, so the first failure is stored.
  let failure: unknown;
  const verify = (holds: boolean, message: string) => {
    if (!holds) failure ??= new Error(message);
  };

  socket.on("error", ({ code, event = "", details }: SocketError) => {
    if (code === "lost") {
      verify(accepted.has(event) && !mayBeMissing.has(event), `${event} is lost twice`);
      verify(!server.connections.some(({ seen }) => seen.has(event)), `${event} is lost although it was confirmed`);
      mayBeMissing.add(event);
      lostSince = true;
      count("lost");
    } else if (code === "closed" || code === "full") {
      refused.add(event);
      accepted.delete(event);
    } else verify(code === "connect", `${code}: ${details}`);
  });
  socket.on("disconnect", ({ code, willReconnect }) => {
    if (willReconnect && isResumable(code)) return;
    sessions++;
    lostSince = false;
  });
  socket.on("connect", ({ recovered, reason }) => {
    count(recovered ? "recovered" : `not recovered: ${reason ?? "the first"}`);
    if (recovered) verify(!lostSince, "an event is lost in a session that continues");
    else {
      sessions++;
      next = undefined;
    }
    lostSince = false;
    if (random() < 0.3) {
      const name = `join:${++joins}`;
      accepted.add(name);
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
    const name = `event:${++n}`;
    accepted.add(name);
    socket.emit(name, { pad: pad() });
  };
  const call = () => {
    const name = `call:${++n}`;
    const before = socket.status === "closed" ? -1 : sessions;
    calls++;
    accepted.add(name);
    socket.call(name, { pad: pad() }).then(
      (answer) => {
        calls--;
        verify(answer === name, `${answer} for ${name}`);
      },
      ({ code }: CallError) => {
        calls--;
        count(`call ${code}`);
        if (code === "full") return accepted.delete(name);
        verify(code === "closed" || code === "disconnected", `call ${code}`);
        verify(sessions > before, "a call is rejected in a session that continues");
        return mayBeMissing.add(name);
      },
    );
  };
  /** Closes the socket, which drops its queue. Sometimes connects it at once. */
  const close = () => {
    for (const name of accepted) mayBeMissing.add(name);
    socket.close();
    sessions++;
    lostSince = false;
    if (random() < 0.5) socket.connect();
  };

  const unclosed = () => server.connections.filter(({ readyState }) => readyState < 3);
  const current = () => server.connections.at(-1) as ModelConnection;
  const dialling = () => unclosed().filter(({ readyState }) => readyState === 0);
  const accept = () => {
    for (const connection of dialling()) server.accept(connection);
  };
  const deliver = (connection: ModelConnection, most: number) => {
    if (random() < 0.5) connection.deliverToServer(most);
    else connection.deliverToClient(most);
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
    [40, () => unclosed().length && deliver(pick(unclosed()), 1 + upTo(30))],
    [10, () => {
      for (const connection of unclosed()) {
        connection.deliverToServer(1000);
        connection.deliverToClient(1000);
      }
    }],
    [20, accept],
    [10, () => advanceBy(100 * (1 + upTo(10)))],
    [2, () => advanceBy(1000 * upTo(9))],
    [0.5, () => advanceBy(1000 * upTo(40))],
    // The network cuts the connection: both sides, one or none notice; or it cuts one direction.
    [4, () => current().end(1006)],
    [2, () => current().cut()],
    [1, () => { current().cutToServer = true; current().toServer.length = 0; }],
    [1, () => { current().cutToClient = true; current().toClient.length = 0; }],
    [2, () => current().session?.connection === current() && current().closeByServer(4001)],
    [2, () => {
      for (const session of server.sessions) if (session.connection && random() < 0.5) session.detach();
    }],
    // The server closes, rejects, restarts.
    [2, () => {
      const code = pick(random() < 0.8 ? [1001, 1013, 4000, 4001] : [1005, 1009, 1011, 1012, 4500]);
      const session = current().readyState === 1 && current().closeByServer(code, pick(["", "retry in 300 ms"]));
      if (session && !isResumable(code)) session.secrets = [];
    }],
    [2, () => {
      for (const connection of dialling()) {
        const code = pick([4002, 4003, 1006]);
        if (code !== 1006) connection.open();
        connection.end(code);
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

  /** Detaches connections that their session has replaced. */
  const supersede = () => {
    for (const connection of server.connections)
      if (connection.session && connection.session.connection !== connection) connection.supersede();
  };

  await settle();
  accept();
  for (let left = 20 + upTo(150); left > 0; left--) {
    let at = random() * total;
    const [, step] = steps.find(([weight]) => (at -= weight) < 0) ?? [0, emit];
    await step();
    supersede();
    if (random() < 0.1) await settle();
  }

  // The network works again: deliver everything that can arrive.
  const done = () =>
    socket.connected && !calls && unclosed().every(({ toServer, toClient }) => !toServer.length && !toClient.length);
  for (let quiet = 0, tries = 0; quiet < 8; tries++) {
    assert.ok(tries < 1000, `no end: ${socket.status}, ${calls} calls`);
    if (socket.status === "closed") socket.connect();
    await settle();
    accept();
    for (const connection of unclosed()) {
      connection.deliverToServer(Infinity);
      connection.deliverToClient(Infinity);
    }
    await settle();
    quiet = done() ? quiet + 1 : 0;
    await advanceBy(1000);
  }
  if (failure) throw failure;

  const handled = server.handled.map(({ name }) => name);
  let last = { name: "", number: 0, session: 0 };
  for (const { name, session } of server.handled) {
    // Events of `connect` handlers are sent before the queue, so their numbers are out of order.
    if (name.startsWith("join")) continue;
    const number = numberOf(name);
    // A frame of a session that the client has ended may arrive during its next session.
    if (session < last.session) assert.ok(mayBeMissing.has(name), `${name} of session ${session}`);
    else {
      assert.ok(number > last.number, `${name} after ${last.name}`);
      last = { name, number, session };
    }
  }
  const all = new Set(handled);
  assert.equal(all.size, handled.length, "handled twice");
  for (const name of accepted) assert.ok(all.has(name) || mayBeMissing.has(name), `${name} is missing`);
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
      await runCase(seed, seen);
    } catch (cause) {
      throw new Error(`SEED=${seed}: ${(cause as Error).message}`, { cause });
    }
    startClock();
    stopClock();
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(seen)));
  if (!SEED)
    for (const what of ["recovered", "lost", "not recovered: unknown", "not recovered: expired", "not recovered: ended", "call disconnected"])
      assert.ok(seen.get(what), `${what} never happened`);
});
