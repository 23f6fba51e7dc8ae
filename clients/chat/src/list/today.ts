import { useEffect, useState } from "preact/hooks";

function startOfDay(): number {
  return new Date().setHours(0, 0, 0, 0);
}

/** The first moment of the day; changes at midnight, and when one comes back after it. */
export function useToday(): number {
  const [today, setToday] = useState(startOfDay);
  useEffect(() => {
    const look = (): void => setToday(startOfDay());
    const midnight = new Date(today).setHours(24, 0, 0, 0);
    const timer = setTimeout(look, Math.max(1000, midnight - Date.now()));
    // Timers stand still while a machine sleeps.
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [today]);
  return today;
}
