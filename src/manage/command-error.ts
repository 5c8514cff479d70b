/**
 * Ends a command: one line for the operator, no stack (django/core/management/base.py,
 * `CommandError`). More lines may follow it.
 */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly details: string[];

  constructor(message: string, details: string[] = []) {
    super(message);
    this.details = details;
  }
}
