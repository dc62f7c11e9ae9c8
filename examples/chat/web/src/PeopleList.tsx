import { Cameo } from "./Cameo";

interface Props {
  people: ReadonlyMap<string, number>;
  /** Our own name, which is the first. */
  name: string;
  connected: boolean;
}

export function PeopleList({ people, name, connected }: Props) {
  const others = [...people.keys()].filter((it) => it !== name).sort((a, b) => a.localeCompare(b));
  const all = people.has(name) ? [name, ...others] : others;

  return (
    <>
      <h2 className="panel-title">
        People <span className="badge badge-plain">{all.length}</span>
      </h2>
      <ul className="people" data-known={connected}>
        {all.map((person) => (
          <li key={person}>
            <Cameo name={person} />
            <span className="person">
              {person}
              {person === name && <span className="you"> you</span>}
            </span>
          </li>
        ))}
      </ul>
      {!connected && <p className="hint">As it was before the connection was lost.</p>}
      {connected && people.has(name) && others.length === 0 && (
        <p className="hint">No one else is here. Open this page in a second window.</p>
      )}
    </>
  );
}
