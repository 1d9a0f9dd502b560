/** What {@link within} gives where its time was over first. */
export const TOO_LATE = Symbol("too late");

/** Waits for something, but not longer than that. The timer does not outlive the wait, so that the agent can sleep after it. */
export async function within<Value>(
  awaited: Promise<Value>,
  milliseconds: number,
): Promise<Value | typeof TOO_LATE> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<typeof TOO_LATE>((resume) => {
    timer = setTimeout(resume, milliseconds, TOO_LATE);
  });
  try {
    return await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}
