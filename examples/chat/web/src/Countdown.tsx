import { useEffect, useState } from "react";

/** The seconds until an attempt to connect; `to` is in milliseconds since 1970. */
export function Countdown({ attempt, to }: { attempt: number; to: number }) {
  const [now, setNow] = useState(Date.now);

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);

  const seconds = Math.ceil((to - now) / 1000);
  return <span className="countdown">{seconds > 0 ? `Attempt ${attempt} in ${seconds} s.` : `Attempt ${attempt} now.`}</span>;
}
