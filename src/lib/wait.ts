/** Waits at least this many milliseconds. Other requests run in the meantime. */
export const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
