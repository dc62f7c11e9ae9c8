/** The server takes names of up to 256 bytes; shorter ones fit the list. */
export const MAX_ROOM_NAME = 48;

/** What someone typed as the name of a room; empty if it is none. */
export function roomName(typed: string): string {
  return typed.trim().replace(/^#+/, "").trim().slice(0, MAX_ROOM_NAME);
}

/** The address of a room on this page: the current room is in the URL, so links and "back" work. */
export function hashOf(room: string): string {
  return `#${encodeURIComponent(room)}`;
}

/** The room in the URL, if there is one. */
export function roomInUrl(): string | null {
  try {
    return roomName(decodeURIComponent(location.hash.slice(1))) || null;
  } catch {
    return null; // a "%" that encodes nothing
  }
}

/** Puts the room into the URL without going there. */
export function showInUrl(room: string | null): void {
  history.replaceState(null, "", room === null ? location.pathname : hashOf(room));
}
