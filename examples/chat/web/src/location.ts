/** The server accepts names of up to 256 bytes; this length fits the list. */
export const MAX_ROOM_NAME = 48;

/** Returns the name of a room from typed text; empty if there is none. */
export function roomName(typed: string): string {
  return typed.trim().replace(/^#+/, "").trim().slice(0, MAX_ROOM_NAME);
}

/** The URL hash of a room. The current room is in the URL, so that links and "back" work. */
export function hashOf(room: string): string {
  return `#${encodeURIComponent(room)}`;
}

/** The room in the URL, if there is one. */
export function roomInUrl(): string | null {
  try {
    return roomName(decodeURIComponent(location.hash.slice(1))) || null;
  } catch {
    return null; // not percent-encoded
  }
}

/** Sets the room in the URL without a new entry in the history. */
export function showInUrl(room: string | null): void {
  history.replaceState(null, "", room === null ? location.pathname : hashOf(room));
}
