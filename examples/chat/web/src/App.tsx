import { useState } from "react";
import { Chat } from "./Chat";
import { storedName, storeName } from "./name";
import { Welcome } from "./Welcome";

export function App() {
  const [name, setName] = useState(storedName);

  const changeName = (newName: string) => {
    storeName(newName);
    setName(newName);
  };
  return name === null ? <Welcome onName={changeName} /> : <Chat name={name} onName={changeName} />;
}
