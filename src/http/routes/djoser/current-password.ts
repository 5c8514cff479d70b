import { checkOwnPassword } from '../../../auth/own-account.ts';
import type { Authenticated } from '../../../auth/tokens.ts';
import { type Err, err } from '../../../lib/result.ts';
import type { ValidationFailure } from '../../../validation/failure.ts';
import type { AppContext } from '../../context.ts';
import type { Failure } from '../../errors.ts';
import { limitCurrentPassword } from '../../rate-limit.ts';

/**
 * Adds the error of a wrong current password to those of other fields. djoser checks the password as it
 * checks the other fields (`CurrentPasswordSerializer.validate_current_password`).
 *
 * @param part undefined if the body has no valid password
 */
export async function withPasswordError(
  c: AppContext,
  authenticated: Authenticated,
  failure: ValidationFailure,
  part: { current_password: string } | undefined,
): Promise<Err<Failure>> {
  if (!part) return err(failure);
  const allowed = await limitCurrentPassword(c, authenticated.user);
  if (!allowed.ok) return allowed;
  const checked = await checkOwnPassword(c.var, authenticated, part.current_password);
  if (checked.ok) return err(failure);
  if (checked.error.kind === 'throttled') return checked;
  const errors = { ...failure.errors, current_password: ['Invalid password.'] };
  return err({ ...failure, errors });
}
