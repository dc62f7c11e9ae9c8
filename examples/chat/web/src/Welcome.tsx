import { Emblem } from "./Emblem";
import { NameForm } from "./NameForm";

export function Welcome({ onName }: { onName: (name: string) => void }) {
  return (
    <main className="welcome">
      <div className="visiting-card">
        <Emblem />
        <h1 className="wordmark">Parlor</h1>
        <p className="motto">Come in, take a seat, say something.</p>
        <NameForm action="Come in" onName={onName} />
      </div>
    </main>
  );
}
