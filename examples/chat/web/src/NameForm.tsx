import { useId, useState, type FormEvent } from "react";
import { isName } from "./name";

interface Props {
  name?: string;
  action: string;
  onName: (name: string) => void;
}

export function NameForm({ name = "", action, onName }: Props) {
  const [text, setText] = useState(name);
  const [refused, setRefused] = useState(false);
  const id = useId();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = text.trim();
    setRefused(!isName(wanted));
    if (isName(wanted)) onName(wanted);
  };
  return (
    <form className="name-form" onSubmit={submit} noValidate>
      <label htmlFor={id}>Your name</label>
      <div className="field">
        <input
          id={id}
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-describedby={`${id}-rule`}
          aria-invalid={refused}
          autoComplete="nickname"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
        />
        <button type="submit" className="primary">
          {action}
        </button>
      </div>
      <p id={`${id}-rule`} className={refused ? "problem" : "hint"} role={refused ? "alert" : undefined}>
        From 1 to 32 letters (a–z) and digits.
      </p>
    </form>
  );
}
