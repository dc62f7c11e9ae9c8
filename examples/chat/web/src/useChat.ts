import { useEffect, useEffectEvent, useReducer, useRef } from "react";
import { flushSync } from "react-dom";
import { CallError, type AppRouter } from "./api";
import { useWebSocket } from "./api/react";
import { roomInUrl, showInUrl } from "./location";
import { reasonOf, reasonOfClose } from "./reason";
import { reduce } from "./reduce";
import { initialState } from "./state";

/** The chat of a user: its state and its actions. */
export function useChat(name: string) {
  const [state, dispatch] = useReducer(reduce, null, () => initialState(roomInUrl() ?? "general"));
  /** The rooms that were left without a connection. */
  const left = useRef(new Set<string>());

  const { socket, status } = useWebSocket<AppRouter["chat"]["wsChat"]>({
    url: `/api/chat/wsChat?name=${name}`,
    events: {
      // Events and calls in this handler are sent before the queue, so we join the rooms before our
      // messages to them. A recovered session is still in its rooms, but we may have opened or left some.
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
      reconnectFailed: ({ attempts }) => dispatch({ type: "reconnectFailed", reason: `no answer to ${attempts} attempts` }),
      error: (error) => {
        if (error.code === "connect" || error.code === "undecodable") return; // not caused by an event of ours
        if (error.code === "lost") return; // `connect`, `disconnect` or `reconnectFailed` handles it
        // An error with our event is from `emit`, which did not send it; one without is from the server.
        if (error.event === "sendMessage") dispatch({ type: "notSent", room: state.current, message: reasonOf(error) });
        else if (error.event === undefined) dispatch({ type: "sendRefused", message: reasonOf(error) });
        else console.error(error);
      },
      newMessage: ({ room, userId, text, timestamp }) =>
        dispatch({ type: "message", room, userId, text, at: timestamp, own: userId === name }),
      userJoined: ({ room, userId }) =>
        dispatch({ type: "userJoined", room, userId, at: Date.now(), own: userId === name }),
      userLeft: ({ room, userId }) =>
        dispatch({ type: "userLeft", room, userId, at: Date.now(), own: userId === name }),
    },
  });

  async function enter(room: string) {
    try {
      const people = await socket?.call("joinRoom", { room });
      if (people) dispatch({ type: "entered", room, people });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // The next `connect` joins the room again.
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
    // Synchronously, so that a `connect` right after it joins the room.
    flushSync(() => dispatch({ type: "opened", room }));
    if (isNew && socket?.connected) void enter(room);
  });

  useEffect(() => {
    const shown = () => dispatch({ type: "shown", visible: document.visibilityState === "visible" });
    const onHash = () => opened();
    shown(); // the page may have been opened in a background tab
    window.addEventListener("hashchange", onHash);
    document.addEventListener("visibilitychange", shown);
    return () => {
      window.removeEventListener("hashchange", onHash);
      document.removeEventListener("visibilitychange", shown);
    };
  }, []);

  // Updates the URL when the state changes the room: at the start, and after leaving a room.
  useEffect(() => {
    if (state.current !== roomInUrl()) showInUrl(state.current);
  }, [state.current]);

  function emitWaiting() {
    for (const { stage, room, text } of state.pending) {
      if (stage === "waiting") socket?.emit("sendMessage", { room, text });
    }
  }

  // A new name is a new socket. The queue of the old one is dropped.
  const onSocket = useEffectEvent(emitWaiting);
  useEffect(() => onSocket(), [socket]);

  function connect() {
    const closed = socket?.status === "closed";
    socket?.connect();
    if (closed) emitWaiting(); // a socket drops its queue when it closes
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
