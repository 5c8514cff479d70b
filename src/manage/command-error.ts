/**
 * Ends a command: one line for the operator, no stack (django/core/management/base.py,
 * `CommandError`).
 */
export class CommandError extends Error {
  override name = 'CommandError';
}
