import { Problem } from "./errors.js";

/** Wait for so long; rejects with `unavailable` where nothing came until then. */
export async function within<T>(ms: number, work: () => T | Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Problem("unavailable", TOO_LATE)), ms);
  });
  try {
    return await Promise.race([work(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

export const TOO_LATE = "No answer came in time.";
