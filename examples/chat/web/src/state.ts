/** The state of the page. Events are applied as actions, see `reduce.ts`. */
export interface State {
  /** In the order in which they were opened. */
  rooms: readonly Room[];
  /** The name of the current room. */
  current: string | null;
  /** Whether the page is visible; if not, messages of the current room are unread, too. */
  visible: boolean;
  /** The texts of all rooms that the server has not returned as messages, in order. */
  pending: readonly Pending[];
  connection: Connection;
  nextId: number;
}

export interface Room {
  name: string;
  /** Why the server did not let us join. */
  refusal: string | null;
  /** How many connections each name has here: one person may have two tabs. */
  people: ReadonlyMap<string, number>;
  log: readonly Entry[];
  unread: number;
  draft: string;
  /** Why the last text was not sent. */
  problem: string | null;
}

export type Entry = Message | Notice;

export interface Message {
  kind: "message";
  id: number;
  userId: string;
  text: string;
  /** Milliseconds since 1970. */
  at: number;
  own: boolean;
}

export interface Notice {
  kind: "notice";
  about: "presence" | "cut" | "restored";
  id: number;
  text: string;
  at: number;
}

export interface Pending {
  id: number;
  room: string;
  text: string;
  /**
   * `waiting`: queued by the socket until it is connected. `sent`: sent, and replayed if the connection is
   * lost. `doubtful`: the session was lost after it was sent.
   */
  stage: "waiting" | "sent" | "doubtful";
}

export interface Connection {
  /** While reconnecting: the number of the attempt and when it is made. */
  retry: { attempt: number; at: number } | null;
  /** Why no further attempt is made. */
  ended: string | null;
  /** Whether the rooms have a notice of a loss, and none of a reconnect after it. */
  cut: boolean;
}

/** Entries kept for each room. */
export const MAX_LOG = 500;

export function initialState(current: string): State {
  const rooms = [...new Set(["general", current])].map(newRoom);
  return {
    rooms,
    current,
    visible: true,
    pending: [],
    connection: { retry: null, ended: null, cut: false },
    nextId: 1,
  };
}

export function newRoom(name: string): Room {
  return { name, refusal: null, people: new Map(), log: [], unread: 0, draft: "", problem: null };
}
