import { MAX_LOG, newRoom, type Entry, type Message, type Notice, type Room, type State } from "./state";

export type Action =
  | { type: "opened"; room: string }
  | { type: "left"; room: string }
  | { type: "shown"; visible: boolean }
  | { type: "entered"; room: string; people: readonly string[] }
  | { type: "refused"; room: string; message: string }
  | { type: "message"; room: string; userId: string; text: string; at: number; own: boolean }
  | { type: "userJoined" | "userLeft"; room: string; userId: string; at: number; own: boolean }
  | { type: "typed"; room: string; text: string }
  | { type: "sent"; room: string; text: string; connected: boolean }
  | { type: "resent"; id: number; connected: boolean }
  | { type: "discarded"; id: number }
  | { type: "notSent"; room: string | null; message: string }
  | { type: "sendRefused"; message: string }
  | { type: "connected"; recovered: boolean; at: number }
  | { type: "disconnected"; reason: string; willReconnect: boolean; at: number }
  | { type: "reconnecting"; attempt: number; at: number }
  | { type: "reconnectFailed"; reason: string };

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "opened":
      return open(state, action.room);
    case "left":
      return leave(state, action.room);
    case "shown":
      return read({ ...state, visible: action.visible });
    case "entered":
      return change(state, action.room, () => ({ people: count(action.people), refusal: null }));
    case "refused":
      return change(state, action.room, () => ({ people: new Map(), refusal: action.message }));
    case "message":
      return addMessage(state, action);
    case "userJoined":
    case "userLeft":
      return presence(state, action);
    case "typed":
      return change(state, action.room, () => ({ draft: action.text, problem: null }));
    case "sent": {
      const stage = action.connected ? "sent" : "waiting";
      const pending = [...state.pending, { id: state.nextId, room: action.room, text: action.text, stage } as const];
      const sent = { ...state, pending, nextId: state.nextId + 1 };
      return change(sent, action.room, () => ({ draft: "", problem: null }));
    }
    case "resent": {
      const stage = action.connected ? "sent" : "waiting";
      const again = state.pending.filter((it) => it.id === action.id).map((it) => ({ ...it, stage }) as const);
      return { ...state, pending: [...state.pending.filter((it) => it.id !== action.id), ...again] };
    }
    case "discarded":
      return { ...state, pending: state.pending.filter((it) => it.id !== action.id) };
    case "notSent":
      return action.room === null ? state : change(state, action.room, () => ({ problem: action.message }));
    case "sendRefused":
      return sendRefused(state, action.message);
    case "connected":
      return connected(state, action);
    case "disconnected":
      return disconnected(state, action);
    case "reconnecting":
      return { ...state, connection: { ...state.connection, retry: { attempt: action.attempt, at: action.at } } };
    case "reconnectFailed":
      return { ...inDoubt(state), connection: { ...state.connection, retry: null, ended: action.reason } };
  }
}

function open(state: State, name: string): State {
  const known = state.rooms.some((room) => room.name === name);
  const rooms = known ? state.rooms : [...state.rooms, newRoom(name)];
  return read({ ...state, rooms, current: name });
}

function leave(state: State, name: string): State {
  const index = state.rooms.findIndex((room) => room.name === name);
  const rooms = state.rooms.filter((room) => room.name !== name);
  const pending = state.pending.filter((it) => it.room !== name);
  const neighbour = rooms[Math.min(index, rooms.length - 1)]?.name ?? null;
  return read({ ...state, rooms, pending, current: state.current === name ? neighbour : state.current });
}

function addMessage(state: State, { room, userId, text, at, own }: Extract<Action, { type: "message" }>): State {
  // The server returns our own messages: the first pending one with this text was sent.
  const echoed = own ? state.pending.find((it) => it.room === room && it.text === text) : undefined;
  const pending = echoed ? state.pending.filter((it) => it !== echoed) : state.pending;
  const unread = !own && !(state.visible && state.current === room);
  const message: Message = { kind: "message", id: state.nextId, userId, text, at, own };
  return change({ ...state, pending, nextId: state.nextId + 1 }, room, (it) => ({
    log: append(it.log, message),
    unread: unread ? it.unread + 1 : it.unread,
  }));
}

function presence(state: State, { type, room, userId, at, own }: Extract<Action, { type: "userJoined" | "userLeft" }>): State {
  const by = type === "userJoined" ? 1 : -1;
  return change({ ...state, nextId: state.nextId + 1 }, room, ({ people, log }) => {
    const before = people.get(userId) ?? 0;
    const now = Math.max(0, before + by);
    // A person joins with the first tab, and leaves with the last.
    const isNotice = !own && (before === 0) !== (now === 0);
    const text = `${userId} ${type === "userJoined" ? "came in" : "left"}`;
    const after = new Map(people);
    if (now === 0) after.delete(userId);
    else after.set(userId, now);
    return {
      people: after,
      log: isNotice ? append(log, { kind: "notice", about: "presence", id: state.nextId, text, at }) : log,
    };
  });
}

/** The server handles messages in order, so the error is for the first one that it has not returned. */
function sendRefused(state: State, message: string): State {
  const refused = state.pending.find((it) => it.stage === "sent");
  if (!refused) return state.current === null ? state : change(state, state.current, () => ({ problem: message }));
  const pending = state.pending.filter((it) => it !== refused);
  return change({ ...state, pending }, refused.room, ({ draft }) => ({
    draft: draft === "" ? refused.text : `${refused.text}\n${draft}`,
    problem: message,
  }));
}

function connected(state: State, { recovered, at }: Extract<Action, { type: "connected" }>): State {
  // A recovered session still delivers sent messages. The socket sends queued ones now.
  const before = recovered ? state : inDoubt(state);
  const pending = before.pending.map((it) => (it.stage === "waiting" ? ({ ...it, stage: "sent" } as const) : it));
  const connection = { retry: null, ended: null, cut: false };
  const now = { ...before, pending, connection };
  if (!state.connection.cut) return now;
  const gap = recovered ? "" : "; messages may be missing";
  return notice(now, { about: "restored", text: `Connected again${gap}`, at });
}

function disconnected(state: State, action: Extract<Action, { type: "disconnected" }>): State {
  const before = action.willReconnect ? state : inDoubt(state);
  const ended = action.willReconnect ? null : action.reason;
  const now = { ...before, connection: { retry: null, ended, cut: true } };
  // A rejected attempt after a loss is not a second loss.
  if (state.connection.cut) return now;
  const text = `Connection ${action.willReconnect ? "lost" : "closed"} (${action.reason})`;
  return notice(now, { about: "cut", text, at: action.at });
}

/** The session is lost: sent messages may not have arrived. */
function inDoubt(state: State): State {
  const pending = state.pending.map((it) => (it.stage === "sent" ? ({ ...it, stage: "doubtful" } as const) : it));
  return { ...state, pending };
}

/** Adds a notice to the log of each room. */
function notice(state: State, { about, text, at }: Pick<Notice, "about" | "text" | "at">): State {
  const rooms = state.rooms.map((room) => ({
    ...room,
    log: append(room.log, { kind: "notice", about, id: state.nextId, text, at }),
  }));
  return { ...state, rooms, nextId: state.nextId + 1 };
}

/** Marks the current room as read if the page is visible. */
function read(state: State): State {
  if (!state.visible || state.current === null) return state;
  return change(state, state.current, () => ({ unread: 0 }));
}

/** Changes the room; nothing if it was left in the meantime. */
function change(state: State, name: string, by: (room: Room) => Partial<Room>): State {
  const rooms = state.rooms.map((room) => (room.name === name ? { ...room, ...by(room) } : room));
  return { ...state, rooms };
}

function append(log: readonly Entry[], entry: Entry): readonly Entry[] {
  return [...log, entry].slice(-MAX_LOG);
}

function count(names: readonly string[]): Map<string, number> {
  const people = new Map<string, number>();
  for (const name of names) people.set(name, (people.get(name) ?? 0) + 1);
  return people;
}
