import type { Pending } from "./state";

const STAGES = {
  waiting: "Waiting for the connection",
  sent: "Sending…",
  doubtful: "Cut off on its way: perhaps not delivered",
};

interface Props {
  pending: readonly Pending[];
  onAgain: (id: number) => void;
  onDiscard: (id: number) => void;
}

/** The user's texts that are not messages yet. Not read out, since the user has just typed them. */
export function PendingList({ pending, onAgain, onDiscard }: Props) {
  return (
    <ol className="entries pending" aria-label="Not said yet" aria-live="off">
      {pending.map(({ id, text, stage }) => (
        <li key={id} className="message" data-own="true" data-stage={stage}>
          <div className="said">
            <p className="text" dir="auto">
              {text}
            </p>
            <p className="stage">
              {STAGES[stage]}
              {stage === "doubtful" && (
                <>
                  <button type="button" className="quiet" onClick={() => onAgain(id)}>
                    Send again
                  </button>
                  <button type="button" className="quiet" onClick={() => onDiscard(id)}>
                    Discard
                  </button>
                </>
              )}
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}
