import { useState } from "react";
import { Chat } from "./Chat";
import { keepName, keptName } from "./name";
import { Welcome } from "./Welcome";

export function App() {
  const [name, setName] = useState(keptName);

  const take = (taken: string) => {
    keepName(taken);
    setName(taken);
  };
  return name === null ? <Welcome onName={take} /> : <Chat name={name} onName={take} />;
}
