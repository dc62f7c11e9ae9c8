import type { Status } from "./api";
import { Countdown } from "./Countdown";
import type { Connection } from "./state";

/** Shows a problem of the connection with an action; nothing while it works. */
export function ConnectionBanner({ status, retry, ended, onConnect }: { status: Status; onConnect: () => void } & Connection) {
  if (status === "reconnecting") {
    return (
      <section className="banner" aria-label="Connection problem">
        <p>
          <strong>No connection.</strong> {retry && <Countdown attempt={retry.attempt} to={retry.at} />} What you write is sent when
          you are back.
        </p>
        <button type="button" onClick={onConnect}>
          Connect now
        </button>
      </section>
    );
  }
  if (status === "closed") {
    return (
      <section className="banner" aria-label="Connection problem">
        <p>
          <strong>The connection is closed</strong>
          {ended && `: ${ended}`}.
        </p>
        <button type="button" onClick={onConnect}>
          Connect again
        </button>
      </section>
    );
  }
  return null;
}
