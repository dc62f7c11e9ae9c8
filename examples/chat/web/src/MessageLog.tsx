import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { LogEntry } from "./LogEntry";
import { PendingList } from "./PendingList";
import type { Pending, Room } from "./state";

interface Props {
  room: Room;
  pending: readonly Pending[];
  onAgain: (id: number) => void;
  onDiscard: (id: number) => void;
}

/** The distance to the end, in pixels, that counts as the end. */
const NEAR = 48;

export function MessageLog({ room, pending, onAgain, onDiscard }: Props) {
  const box = useRef<HTMLDivElement>(null);
  // The newest entry when the user scrolled up; null at the end.
  const [left, setLeft] = useState<number | null>(null);
  const mine = pending.filter((it) => it.room === room.name);
  const newest = room.log.at(-1)?.id ?? 0;
  const missed = left === null ? 0 : room.log.filter((it) => it.id > left && it.kind === "message").length;

  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = box.current!;
    const atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    setLeft((before) => (atEnd ? null : (before ?? newest)));
  };

  useLayoutEffect(() => {
    if (left === null) toEnd();
  }, [left, room.log, mine.length]);

  // Scroll to a message of our own.
  const lastSent = mine.at(-1)?.id ?? 0;
  useLayoutEffect(toEnd, [lastSent]);

  // The box shrinks when the composer grows or a keyboard comes up.
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (left === null) toEnd();
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [left]);

  return (
    <div className="log-frame">
      {/* Focusable, so that the keyboard can scroll it. */}
      <div className="log" role="log" aria-label={`Messages in ${room.name}`} tabIndex={0} ref={box} onScroll={onScroll}>
        {room.log.length === 0 && room.refusal === null && <p className="hint opening">Nothing has been said since you came.</p>}
        <ol className="entries">
          {room.log.map((entry, index) => (
            <LogEntry key={entry.id} entry={entry} before={room.log[index - 1]} />
          ))}
        </ol>
        {mine.length > 0 && <PendingList pending={mine} onAgain={onAgain} onDiscard={onDiscard} />}
      </div>
      {left !== null && (
        <button type="button" className="newer" onClick={toEnd}>
          {missed === 0 ? "To the latest" : missed === 1 ? "1 new message" : `${missed} new messages`}
        </button>
      )}
    </div>
  );
}
