import { writeFirstActivation } from '../../auth/activation.ts';
import { type Registered, type Registration, registerUser } from '../../auth/register.ts';
import { ok, type Result } from '../../lib/result.ts';
import {
  RegisterSchema,
  VerifiedRegisterSchema,
  withEmailAsUsername,
} from '../../validation/schemas.ts';
import { registrationBody } from '../body.ts';
import type { AppContext } from '../context.ts';
import type { Failure } from '../errors.ts';
import { linkServices, sendAfterResponse } from '../notifications.ts';
import { invalid } from '../openapi/description.ts';
import { KEY, PASSWORD, REQUIRED, USERNAME } from '../openapi/examples.ts';
import { limitAddress } from '../rate-limit.ts';
import { anyone, byVerification, isEnabled, route } from '../route.ts';
import { audit } from '../security-log.ts';
import { loginResponse } from '../token-response.ts';

/** dj_rest_auth/registration/views.py, `RegisterView.get_response_data`. */
export const VERIFICATION_SENT = { detail: 'Verification e-mail sent.' };

export const registration = registrationBody(
  ({ emailVerification }) =>
    emailVerification === 'required' ? VerifiedRegisterSchema : RegisterSchema,
  withEmailAsUsername,
);

export const REGISTRATION_REFUSED = invalid({
  taken: { username: ['A user with that username already exists.'] },
  empty: { username: REQUIRED, password: REQUIRED },
});

export const register = route('POST /register', {
  access: anyone('register'),
  body: registration,
  description: {
    operationId: 'register',
    summary: 'Register a user',
    description:
      'Inserts a user and its token in one transaction. If the body has an `email` and no `username`, the address is also used as the username.',
    tag: 'Without a token',
    request: {
      name: 'RegisterRequest',
      emailAsUsername: true,
      takesOwnFields: true,
      examples: {
        meg: {
          username: USERNAME,
          password: PASSWORD,
          first_name: 'Meg',
          last_name: 'Ducharme',
          email: USERNAME,
        },
        byEmail: { email: USERNAME, password: PASSWORD },
      },
    },
    responses: ({ registerStatus }) => ({
      [registerStatus]: {
        description:
          'The token of the new user. With EMAIL_VERIFICATION = "required", the user gets no token until the address is verified.',
        schema: 'Registered',
        examples: {
          meg: { token: KEY },
          byEmail: { token: KEY },
          unverified: VERIFICATION_SENT,
        },
      },
      400: REGISTRATION_REFUSED,
    }),
  },
  async handle(c, { data: { validated, own } }) {
    if (!validated.ok) return validated;
    const registered = await createUser(c, { ...validated.value, own });
    if (!registered.ok) return registered;
    const { token, ...user } = registered.value;
    const status = c.var.settings.registerStatus;
    if (token) return loginResponse(c, token, {}, status, user);
    return c.json(VERIFICATION_SENT, status);
  },
});

/** Registers a user. If addresses must be verified, sends a message with a link. */
export async function createUser(
  c: AppContext,
  data: Registration,
): Promise<Result<Registered, Failure>> {
  const links = isEnabled(byVerification, c.var) ? linkServices(c, 'activation') : undefined;
  const allowed = links ? await limitAddress(c, 'mail-address') : ok(undefined);
  if (!allowed.ok) return allowed;
  const registered = await registerUser(c.var, data);
  if (!registered.ok) return registered;
  const { id } = registered.value;
  audit(c, { event: 'registered', user_id: id });
  if (links) {
    sendAfterResponse(c, 'activation', links.mail, () => writeFirstActivation(c.var, id, links));
  }
  return registered;
}
