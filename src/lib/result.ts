/**
 * Expected outcomes as values. A function that can fail for a reason its caller must know returns a
 * `Result` whose error is a tagged union; exceptions are for bugs and faults alone.
 */
export type Result<T, E> = { ok: true; value: T } | { ok: false; error: E };

export const ok = <T>(value: T): { ok: true; value: T } => ({ ok: true, value });

export const err = <E>(error: E): { ok: false; error: E } => ({ ok: false, error });
