const MINUTE_MS = 60_000;

/** Far above what a test of a limit takes. */
const TEST_LIMIT_MS = 15_000;

/** Limits are counted by the minute of the clock: no test of one may go on into the next. */
export async function untilRoomInMinute(): Promise<void> {
  const left = MINUTE_MS - (Date.now() % MINUTE_MS);
  if (left < TEST_LIMIT_MS) await scheduler.wait(left);
}
