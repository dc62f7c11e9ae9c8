import { useEffect, useEffectEvent, useReducer, useRef } from "react";
import { flushSync } from "react-dom";
import { CallError, type AppRouter } from "./api";
import { useWebSocket } from "./api/react";
import { roomInUrl, showInUrl } from "./location";
import { reasonOf, reasonOfClose } from "./reason";
import { reduce } from "./reduce";
import { initialState } from "./state";

/** The chat of someone called `name`: its state, and what one can do. */
export function useChat(name: string) {
  const [state, dispatch] = useReducer(reduce, null, () => initialState(roomInUrl() ?? "general"));
  /** The rooms that were left without a connection. */
  const left = useRef(new Set<string>());

  const { socket, status } = useWebSocket<AppRouter["chat"]["wsChat"]>({
    url: `/api/chat/wsChat?name=${name}`,
    events: {
      // What is emitted and called here goes out before what was kept while there was no connection:
      // we are in the rooms again before we speak in them. In a session that goes on we never left, but
      // may have opened others, and closed some.
      connect: ({ recovered }) => {
        dispatch({ type: "connected", recovered, at: Date.now() });
        for (const room of state.rooms) left.current.delete(room.name);
        if (recovered) for (const room of left.current) socket?.emit("leaveRoom", { room });
        left.current.clear();
        for (const room of state.rooms) void enter(room.name);
      },
      disconnect: ({ code, reason, willReconnect }) =>
        dispatch({ type: "disconnected", reason: reasonOfClose(code, reason), willReconnect, at: Date.now() }),
      reconnecting: ({ attempt, delay }) => dispatch({ type: "reconnecting", attempt, at: Date.now() + delay }),
      reconnectFailed: ({ attempts }) => dispatch({ type: "gaveUp", reason: `no answer to ${attempts} attempts` }),
      error: (error) => {
        if (error.code === "connect" || error.code === "undecodable") return; // nothing that we sent
        if (error.code === "lost") return; // as `connect`, `disconnect` or `reconnectFailed` will say
        // One that names our event comes from `emit`, which sent nothing; one without, from the server.
        if (error.event === "sendMessage") dispatch({ type: "notSent", room: state.current, message: reasonOf(error) });
        else if (error.event === undefined) dispatch({ type: "sendRefused", message: reasonOf(error) });
        else console.error(error);
      },
      newMessage: ({ room, userId, text, timestamp }) =>
        dispatch({ type: "said", room, userId, text, at: timestamp, own: userId === name }),
      userJoined: ({ room, userId }) =>
        dispatch({ type: "came", room, userId, at: Date.now(), own: userId === name }),
      userLeft: ({ room, userId }) =>
        dispatch({ type: "went", room, userId, at: Date.now(), own: userId === name }),
    },
  });

  async function enter(room: string) {
    try {
      const people = await socket?.call("joinRoom", { room });
      if (people) dispatch({ type: "entered", room, people });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // Whoever is disconnected enters again on the next `connect`.
      if (error.code === "disconnected" || error.code === "closed") return;
      dispatch({ type: "refused", room, message: reasonOf(error) });
    }
  }

  function leave(room: string) {
    if (socket?.connected) socket.emit("leaveRoom", { room });
    else left.current.add(room);
    dispatch({ type: "left", room });
  }

  function send(room: string, text: string) {
    if (socket?.emit("sendMessage", { room, text })) {
      dispatch({ type: "sent", room, text, connected: socket.connected });
    }
  }

  function sendAgain(id: number) {
    const pending = state.pending.find((it) => it.id === id);
    if (pending && socket?.emit("sendMessage", { room: pending.room, text: pending.text })) {
      dispatch({ type: "resent", id, connected: socket.connected });
    }
  }

  const opened = useEffectEvent(() => {
    const room = roomInUrl();
    if (room === state.current) return;
    if (room === null) return showInUrl(state.current);
    const isNew = !state.rooms.some((it) => it.name === room);
    // At once, so that a `connect` that comes next knows of the room.
    flushSync(() => dispatch({ type: "opened", room }));
    if (isNew && socket?.connected) void enter(room);
  });

  useEffect(() => {
    const shown = () => dispatch({ type: "shown", visible: document.visibilityState === "visible" });
    const onHash = () => opened();
    shown(); // the page may have been opened in a tab behind
    window.addEventListener("hashchange", onHash);
    document.addEventListener("visibilitychange", shown);
    return () => {
      window.removeEventListener("hashchange", onHash);
      document.removeEventListener("visibilitychange", shown);
    };
  }, []);

  // The URL follows where the state moved by itself: at the start, and after leaving a room.
  useEffect(() => {
    if (state.current !== roomInUrl()) showInUrl(state.current);
  }, [state.current]);

  function emitWaiting() {
    for (const { stage, room, text } of state.pending) {
      if (stage === "waiting") socket?.emit("sendMessage", { room, text });
    }
  }

  // A new name is a new socket, and what the old one kept is gone with it.
  const onSocket = useEffectEvent(emitWaiting);
  useEffect(() => onSocket(), [socket]);

  function connect() {
    const closed = socket?.status === "closed";
    socket?.connect();
    if (closed) emitWaiting(); // what a socket has kept is dropped when it closes
  }

  return {
    state,
    status,
    enter,
    leave,
    send,
    sendAgain,
    discard: (id: number) => dispatch({ type: "discarded", id }),
    write: (room: string, text: string) => dispatch({ type: "typed", room, text }),
    connect,
  };
}
