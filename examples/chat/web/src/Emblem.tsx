export function Emblem() {
  return (
    <svg className="emblem" viewBox="0 0 32 32" aria-hidden="true">
      <ellipse className="emblem-ground" cx="16" cy="16" rx="12.5" ry="15" />
      <ellipse className="emblem-rim" cx="16" cy="16" rx="10" ry="12.5" />
      <path className="emblem-letter" d="M12 23V9.5h5.2a4.3 4.3 0 0 1 0 8.6H12" />
    </svg>
  );
}
