const TONES = 8;

/** An oval with the first letter of the name, in a colour that depends on the name. */
export function Cameo({ name }: { name: string }) {
  let sum = 0;
  for (const letter of name) sum = (sum * 131 + letter.charCodeAt(0)) % 9973;
  return (
    <span className="cameo" data-tone={sum % TONES} aria-hidden="true">
      {name.charAt(0).toUpperCase()}
    </span>
  );
}
