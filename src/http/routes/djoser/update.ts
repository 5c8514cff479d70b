import { writeFirstActivation } from '../../../auth/activation.ts';
import { changesEmail } from '../../../auth/own-account.ts';
import type { Authenticated } from '../../../auth/tokens.ts';
import type { User } from '../../../auth/users.ts';
import { ok, type Result } from '../../../lib/result.ts';
import { UserSchema, UserWithAddressSchema } from '../../../validation/djoser.ts';
import { body } from '../../body.ts';
import type { AppContext } from '../../context.ts';
import type { Failure } from '../../errors.ts';
import { linkServices, sendAfterResponse } from '../../notifications.ts';
import { limitAddress } from '../../rate-limit.ts';
import { byVerification, isEnabled } from '../../route.ts';
import { changeProfile } from '../me.ts';

export const updateBody = body(({ emailVerification }) =>
  emailVerification === 'required' ? UserWithAddressSchema : UserSchema,
);

export type Update = { email?: string | undefined; current_password?: string | undefined };

/**
 * Sets the address of a user. If addresses must be verified, the user must verify a new one before the next
 * login (djoser/views.py, `UserViewSet.perform_update`). In djoser the token works again after that. Here it
 * is deleted, so that the user waits for activation in the same way as a new one.
 */
export async function update(
  c: AppContext,
  authenticated: Authenticated,
  target: User,
  { email, current_password }: Update,
): Promise<Result<User, Failure>> {
  const verifiesEmail = isEnabled(byVerification, c.var) && changesEmail(target, { email });
  const links = verifiesEmail ? linkServices(c, 'activation') : undefined;
  const allowed = links ? await limitAddress(c, 'mail-address', target.id) : ok(undefined);
  if (!allowed.ok) return allowed;
  const options = { target, verifiesEmail, keepsDomain: true };
  const updated = await changeProfile(c, authenticated, { email }, current_password, options);
  if (updated.ok && links) {
    sendAfterResponse(c, 'activation', links.mail, () =>
      writeFirstActivation(c.var, target.id, links),
    );
  }
  return updated;
}
