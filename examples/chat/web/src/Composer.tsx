import { useEffect, useRef, type FormEvent, type KeyboardEvent } from "react";
import type { Room } from "./state";

/** The contract's limit in characters. The client checks it; here the rest is displayed. */
const MAX_TEXT = 1000;
/** The rest is displayed from this many characters on. */
const NEAR_LIMIT = 100;

interface Props {
  room: Room;
  onText: (text: string) => void;
  onSend: (text: string) => void;
  onEnter: () => void;
}

export function Composer({ room, onText, onSend, onEnter }: Props) {
  const box = useRef<HTMLTextAreaElement>(null);
  const left = MAX_TEXT - [...room.draft].length;

  // Focus only where no on-screen keyboard opens, which would cover the page.
  useEffect(() => {
    if (matchMedia("(hover: hover) and (pointer: fine)").matches) box.current?.focus();
  }, [room.name]);

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (room.draft.trim() !== "") onSend(room.draft);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter also confirms the text of an input method.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  };

  if (room.refusal !== null) {
    return (
      <div className="composer refused">
        <p className="problem" role="alert">
          You cannot enter {room.name}: {room.refusal}
        </p>
        <button type="button" onClick={onEnter}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <form className="composer" aria-label={`Write in ${room.name}`} onSubmit={submit}>
      {room.problem !== null && (
        <p className="problem" id="problem" role="alert">
          Not sent: {room.problem}
        </p>
      )}
      <div className="writing">
        <label className="sr-only" htmlFor="text">
          Message to {room.name}
        </label>
        <textarea
          id="text"
          ref={box}
          rows={1}
          value={room.draft}
          dir="auto"
          placeholder="Say something…"
          enterKeyHint="send"
          aria-invalid={room.problem !== null}
          aria-describedby="keys counter"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" className="primary">
          Send
        </button>
      </div>
      <p className="hint under">
        <span id="keys">Enter sends, Shift+Enter starts a new line</span>
        <span id="counter" className="counter" data-over={left < 0}>
          {left <= NEAR_LIMIT && (left < 0 ? `${-left} too many` : `${left} left`)}
        </span>
      </p>
    </form>
  );
}
