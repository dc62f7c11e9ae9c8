import type { Status } from "./api";
import type { Connection } from "./state";

/** Always rendered, and read out on changes: one short sentence, without a countdown. */
export function ConnectionStatus({ status, retry, ended }: { status: Status } & Connection) {
  return (
    <p className="status" role="status" aria-label="Connection" data-status={status}>
      {status === "connected" && "Connected"}
      {status === "connecting" && "Connecting…"}
      {status === "reconnecting" && "Reconnecting"}
      {status === "reconnecting" && retry && <span className="detail">, attempt {retry.attempt}</span>}
      {status === "closed" && "Closed"}
      {status === "closed" && ended && <span className="sr-only">: {ended}</span>}
    </p>
  );
}
