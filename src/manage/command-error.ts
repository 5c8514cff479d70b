/** Ends a command: one line for the operator, no stack (django/core/management/base.py, `CommandError`). */
export class CommandError extends Error {
  override name = 'CommandError';
}

/** What is at the bottom of an error. Drizzle's own message quotes the parameters, and so a hash. */
export const rootCause = (error: unknown): unknown =>
  error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
