import assert from "node:assert/strict";
import { test } from "node:test";

import { macrotask, net, render, welcome } from "./support/render.js";
import { Activity, StrictMode, act, useEffect } from "react";
import { renderToString } from "react-dom/server";

import { connect, type Socket } from "../src/client.js";
import { useCall, useWebSocket, type UseCall } from "../src/react.js";
import type { Chat } from "./support/contract.js";
import { settle } from "./support/fakeWebSocket.js";

type JoinRoom = UseCall<Chat, "joinRoom">;

let joining: JoinRoom;
/** All states that were rendered. */
let states: Pick<JoinRoom, "data" | "error" | "pending">[];

function Joining({ socket }: { socket: Socket<Chat> | null }) {
  joining = useCall(socket, "joinRoom");
  const { data, error, pending } = joining;
  states.push({ data, error, pending });
  return null;
}

/** Renders a component with a socket; connected unless `offline`. */
async function mount({ offline = false } = {}) {
  states = [];
  const socket = connect<Chat>("ws://server/api/other", { WebSocket: net.WebSocket });
  await settle();
  await render(<Joining socket={socket} />);
  if (!offline) await welcome();
  return socket;
}

const idle = { data: undefined, error: undefined, pending: false };
const state = () => states.at(-1);
/** Calls in a render, as an event handler does. Returns the promise of the result, in an array. */
const call = (room: string) => act(async () => [joining.call({ room })] as const);
const answer = (id: number, ...members: string[]) => act(async () => net.last.frame("$ok", members, id));
/** The rooms of the calls that were sent. */
const sent = () => net.last.sent.filter(([, , id]) => id).map(([, payload]) => (payload as { room: string }).room);

test("a call is pending, and then its answer is the data", async () => {
  const socket = await mount();
  assert.deepEqual(state(), idle);
  const [result] = await call("a");
  assert.deepEqual(state(), { ...idle, pending: true });
  await answer(1, "ann");
  assert.deepEqual(state(), { ...idle, data: ["ann"] });
  assert.deepEqual(await result, { ok: true, value: ["ann"] });
  await act(async () => socket.close());
});

test("a call that fails sets the error and keeps the data, and its promise resolves with the error", async () => {
  const socket = await mount();
  await call("a");
  await answer(1, "ann");
  const [result] = await call("b");
  const details = { error: "noEntry", message: "full" };
  await act(async () => net.last.frame("$err", { code: "refused", message: "no", details }, 2));
  assert.deepEqual(state()?.data, ["ann"]);
  assert.deepEqual([state()?.error?.code, state()?.error?.details, state()?.pending], ["refused", details, false]);
  assert.deepEqual(await result, { ok: false, error: state()?.error });
  await call("c");
  assert.deepEqual(state(), { data: ["ann"], error: undefined, pending: true }, "the next call clears the error");
  await act(async () => socket.close());
});

test("the newest call sets the state, whatever the order of the answers", async () => {
  const socket = await mount();
  const [first] = await call("a");
  await call("b");
  await answer(2, "newest");
  await answer(1, "late");
  assert.deepEqual(state(), { ...idle, data: ["newest"] });
  assert.deepEqual(await first, { ok: true, value: ["late"] }, "its caller still gets the answer");

  await call("c");
  await call("d");
  await answer(3, "early");
  assert.deepEqual(state(), { ...idle, data: ["newest"], pending: true });
  await answer(4, "d");
  assert.deepEqual(state(), { ...idle, data: ["d"] });
  await act(async () => socket.close());
});

test("all calls that are made without a connection are sent", async () => {
  const socket = await mount({ offline: true });
  await call("a");
  await call("b");
  await welcome();
  assert.deepEqual(sent(), ["a", "b"]);
  await act(async () => socket.close());
});

test("cancel ends all calls, and those that are queued are not sent", async () => {
  const socket = await mount({ offline: true });
  const [first] = await call("a");
  const [second] = await call("b");
  await act(async () => joining.cancel());
  assert.deepEqual(state(), idle);
  for (const result of [await first, await second]) assert.equal(!result.ok && result.error.code, "aborted");
  await welcome();
  assert.deepEqual(sent(), []);
  await act(async () => socket.close());
});

test("a late answer to a cancelled call changes nothing", async () => {
  const socket = await mount();
  await call("a");
  await act(async () => joining.cancel());
  await answer(1, "late");
  assert.deepEqual(state(), idle);
  await act(async () => socket.close());
});

test("unmounting and a hidden Activity cancel the calls", async () => {
  const socket = await mount({ offline: true });
  const App = ({ mode }: { mode: "visible" | "hidden" }) => (
    <Activity mode={mode}>
      <Joining socket={socket} />
    </Activity>
  );
  await render(<App mode="visible" />);
  const [first] = await call("a");
  await render(<App mode="hidden" />);
  assert.equal((await first).ok, false);
  await render(<App mode="visible" />);
  assert.deepEqual(state(), idle);
  const [second] = await call("b");
  await render(null);
  assert.equal((await second).ok, false);
  await welcome();
  assert.deepEqual(sent(), []);
  await act(async () => socket.close());
});

test("another socket starts without data, and the calls of the one before are cancelled", async () => {
  const ann = await mount();
  await call("a");
  await answer(1, "of ann");
  const [result] = await call("b");
  const bob = connect<Chat>("ws://server/api/other", { WebSocket: net.WebSocket });
  states = [];
  await render(<Joining socket={bob} />);
  assert.deepEqual(states.filter(({ data, pending }) => data || pending), [], "no render has the data of the other");
  assert.equal((await result).ok, false);
  await act(async () => ann.close());
  await act(async () => bob.close());
});

/** Renders a component with a socket whose identity is `user.name`. It has called `a`, and has an answer. */
async function mountAs(user: { name: string }) {
  states = [];
  const identity = () => user.name;
  const socket = connect<Chat>("ws://server/api/other", { WebSocket: net.WebSocket, identity, auth: identity });
  await settle();
  const App = ({ mode = "visible" }: { mode?: "visible" | "hidden" }) => (
    <Activity mode={mode}>
      <Joining socket={socket} />
    </Activity>
  );
  await render(<App />);
  await welcome();
  await call("a");
  await answer(1, "of ann");
  assert.deepEqual(state()?.data, ["of ann"]);
  return { socket, App };
}

test("another identity of the same socket starts without data and error", async () => {
  const user = { name: "ann" };
  const { socket } = await mountAs(user);
  await call("b");
  await act(async () => net.last.frame("$err", { code: "refused", message: "no", details: "of ann" }, 2));
  assert.ok(state()?.error);
  user.name = "bob";
  await act(async () => socket.connect());
  assert.deepEqual(state(), idle);
  await act(async () => socket.close());
});

test("calls of the last identity do not set the state, the call that finds another identity does", async () => {
  const user = { name: "ann" };
  const { socket } = await mountAs(user);
  const [unanswered] = await call("b");
  const [late] = await call("c");
  states = [];
  await act(async () => {
    net.last.frame("$ok", ["late of ann"], 3);
    user.name = "bob";
    void joining.call({ room: "of bob" });
  });
  const [first, second] = [await unanswered, await late];
  assert.equal(first.ok === false && first.error.code, "identity");
  assert.deepEqual(second, { ok: true, value: ["late of ann"] }, "its caller still gets the answer");
  await welcome();
  assert.deepEqual(sent(), ["of bob"]);
  await answer(4, "of bob");
  assert.deepEqual(
    states.map(({ data, error, pending }) => [data?.[0], error?.code, pending]),
    [
      [undefined, undefined, true],
      ["of bob", undefined, false],
    ],
  );
  await act(async () => socket.close());
});

test("a hidden Activity forgets the data, which may belong to another identity when it is visible again", async () => {
  const user = { name: "ann" };
  const { socket, App } = await mountAs(user);
  await render(<App mode="hidden" />);
  user.name = "bob";
  await act(async () => socket.connect());
  states = [];
  await render(<App />);
  assert.deepEqual(states.filter(({ data }) => data), []);
  await act(async () => socket.close());
});

test("without a socket a call fails with closed", async () => {
  states = [];
  await render(<Joining socket={null} />);
  const [result] = await call("a");
  assert.equal(state()?.error?.code, "closed");
  assert.deepEqual(await result, { ok: false, error: state()?.error });
});

test("under StrictMode an effect that calls when connected sends one call", async () => {
  const App = () => {
    const { socket, connected } = useWebSocket<Chat>({ url: "ws://server/api/other", WebSocket: net.WebSocket });
    joining = useCall(socket, "joinRoom");
    const { data, error, pending, call } = joining;
    states.push({ data, error, pending });
    useEffect(() => {
      if (connected) void call({ room: "a" });
    }, [call, connected]);
    return null;
  };
  states = [];
  await render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
  await welcome();
  assert.deepEqual(sent(), ["a"]);
  assert.deepEqual(state(), { ...idle, pending: true });
  await answer(1, "ann");
  assert.deepEqual(state(), { ...idle, data: ["ann"] });
  await render(null);
  await macrotask();
});

test("under StrictMode a call in a mount effect is sent once, as the first is cancelled in the queue", async () => {
  const socket = await mount({ offline: true });
  const App = () => {
    joining = useCall(socket, "joinRoom");
    const { data, error, pending, call } = joining;
    states.push({ data, error, pending });
    useEffect(() => void call({ room: "a" }), [call]);
    return null;
  };
  await render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
  await welcome();
  assert.deepEqual(sent(), ["a"]);
  assert.deepEqual(state(), { ...idle, pending: true });
  await act(async () => socket.close());
});

test("call and cancel are the same functions in each render", async () => {
  const socket = await mount();
  const { call, cancel } = joining;
  await render(<Joining socket={socket} />);
  assert.equal(joining.call, call);
  assert.equal(joining.cancel, cancel);
  await act(async () => socket.close());
});

test("server rendering has no data and calls nothing", () => {
  states = [];
  renderToString(<Joining socket={null} />);
  assert.deepEqual(states, [idle]);
});
