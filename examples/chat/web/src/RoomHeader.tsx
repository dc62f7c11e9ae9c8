import type { Room } from "./state";

interface Props {
  room: Room;
  /** Unread messages in the other rooms. */
  otherUnread: number;
  /** Opens the drawer of rooms, if they have no column. */
  onRooms: (() => void) | undefined;
  onPeople: (() => void) | undefined;
}

export function RoomHeader({ room, otherUnread, onRooms, onPeople }: Props) {
  const people = room.people.size;

  return (
    <header className="room-header">
      {onRooms && (
        <button type="button" className="quiet" aria-haspopup="dialog" onClick={onRooms}>
          Rooms
          {otherUnread > 0 && (
            <>
              {" "}
              <span className="badge">
                {otherUnread}
                <span className="sr-only"> unread</span>
              </span>
            </>
          )}
        </button>
      )}
      <h2>{room.name}</h2>
      {onPeople && (
        <button type="button" className="quiet" aria-haspopup="dialog" onClick={onPeople}>
          People <span className="badge badge-plain">{people}</span>
        </button>
      )}
    </header>
  );
}
