import { Cameo } from "./Cameo";
import type { Entry } from "./state";

/** Messages of one person within this time, in milliseconds, are one group. */
const TOGETHER = 5 * 60 * 1000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function LogEntry({ entry, before }: { entry: Entry; before: Entry | undefined }) {
  if (entry.kind === "notice") {
    return (
      <li className="notice" data-about={entry.about}>
        <span>{entry.text}</span> <Time at={entry.at} />
      </li>
    );
  }
  const follows =
    before?.kind === "message" &&
    before.userId === entry.userId &&
    before.own === entry.own &&
    entry.at - before.at < TOGETHER;
  return (
    <li className="message" data-own={entry.own} data-follows={follows}>
      {!follows && !entry.own && <Cameo name={entry.userId} />}
      <div className="said">
        {/* Screen readers read a new message alone, so each has its speaker. */}
        <p className={follows ? "sr-only" : "speaker"}>
          <span className="who">{entry.own ? "You" : entry.userId}</span> <Time at={entry.at} />
        </p>
        <p className="text" dir="auto">
          {entry.text}
        </p>
      </div>
    </li>
  );
}

function Time({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={full.format(at)}>
      {clock.format(at)}
    </time>
  );
}
