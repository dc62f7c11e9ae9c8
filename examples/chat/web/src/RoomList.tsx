import { useState, type FormEvent } from "react";
import { hashOf, MAX_ROOM_NAME, roomName } from "./location";
import type { Room } from "./state";

interface Props {
  rooms: readonly Room[];
  current: string | null;
  onGo: () => void;
  onLeave: (room: string) => void;
}

/** Rooms are links: the URL has the current room, and following a link joins the room. */
export function RoomList({ rooms, current, onGo, onLeave }: Props) {
  const [typed, setTyped] = useState("");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const name = roomName(typed);
    if (name === "") return;
    setTyped("");
    location.hash = hashOf(name);
    onGo();
  };
  return (
    <>
      <h2 className="panel-title">Rooms</h2>
      <ul className="rooms">
        {rooms.map((room) => (
          <li key={room.name} data-unread={room.unread > 0}>
            <a href={hashOf(room.name)} aria-current={room.name === current ? "page" : undefined} onClick={onGo}>
              <span className="room-name">{room.name}</span>
              {room.unread > 0 && (
                <>
                  {" "}
                  <span className="badge">
                    {room.unread}
                    <span className="sr-only"> unread</span>
                  </span>
                </>
              )}
            </a>
            <button type="button" className="leave" aria-label={`Leave ${room.name}`} title="Leave" onClick={() => onLeave(room.name)}>
              <svg viewBox="0 0 12 12" aria-hidden="true">
                <path d="M2.5 2.5l7 7m0-7l-7 7" />
              </svg>
            </button>
          </li>
        ))}
      </ul>
      <form className="enter-room" onSubmit={submit}>
        <label htmlFor="enter-room">Enter a room</label>
        <div className="field">
          <input
            id="enter-room"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            maxLength={MAX_ROOM_NAME}
            placeholder="its name"
            autoComplete="off"
            autoCapitalize="none"
          />
          <button type="submit">Enter</button>
        </div>
      </form>
      <p className="hint keys">
        <kbd>Alt</kbd> <kbd>↑</kbd> <kbd>↓</kbd> goes from room to room
      </p>
    </>
  );
}
