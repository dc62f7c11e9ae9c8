import { useRef, type ReactNode } from "react";
import { Emblem } from "./Emblem";
import { NameForm } from "./NameForm";

interface Props {
  name: string;
  onName: (name: string) => void;
  children: ReactNode;
}

export function Masthead({ name, onName, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);

  return (
    <header className="masthead">
      <h1 className="wordmark">
        <Emblem />
        Parlor
      </h1>
      {children}
      <button type="button" className="quiet me" onClick={() => dialog.current?.showModal()}>
        <span className="sr-only">Change name, </span>
        {name}
      </button>
      <dialog ref={dialog} className="card" aria-label="Change name">
        <NameForm
          key={name}
          name={name}
          action="Save"
          onName={(newName) => {
            dialog.current?.close();
            onName(newName);
          }}
        />
        <p className="hint">You leave under the old name and join under the new one.</p>
        <button type="button" className="quiet" onClick={() => dialog.current?.close()}>
          Keep “{name}”
        </button>
      </dialog>
    </header>
  );
}
