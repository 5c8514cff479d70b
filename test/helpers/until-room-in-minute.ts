const MINUTE_MS = 60_000;

/** Much longer than a test of a limit takes, which is below a second. */
const TEST_LIMIT_MS = 6_000;

/** Limits are counted per minute of the clock, so a test must not continue into the next minute. */
export async function untilRoomInMinute(): Promise<void> {
  const left = MINUTE_MS - (Date.now() % MINUTE_MS);
  if (left < TEST_LIMIT_MS) await scheduler.wait(left);
}
