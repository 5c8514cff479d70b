import { writeFirstActivation } from '../../auth/activation.ts';
import { registerUser } from '../../auth/register.ts';
import { ok } from '../../lib/result.ts';
import {
  RegisterSchema,
  VerifiedRegisterSchema,
  withEmailAsUsername,
} from '../../validation/schemas.ts';
import { body } from '../body.ts';
import { linkServices, sendAfterResponse } from '../notifications.ts';
import { invalid } from '../openapi/description.ts';
import { KEY, PASSWORD, REQUIRED, USERNAME } from '../openapi/examples.ts';
import { limitAddress } from '../rate-limit.ts';
import { anyone, byVerification, isEnabled, route } from '../route.ts';
import { audit } from '../security-log.ts';
import { loginResponse } from '../token-response.ts';

export const register = route('POST /register', {
  access: anyone('register'),
  body: body(
    ({ emailVerification }) =>
      emailVerification === 'required' ? VerifiedRegisterSchema : RegisterSchema,
    withEmailAsUsername,
  ),
  description: {
    operationId: 'register',
    summary: 'Register a user',
    description:
      'Inserts a user and its token in one transaction. If the body has an `email` and no `username`, the address is also used as the username.',
    tag: 'Without a token',
    request: {
      name: 'RegisterRequest',
      emailAsUsername: true,
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
          unverified: { detail: 'Verification e-mail sent.' },
        },
      },
      400: invalid({
        taken: { username: ['A user with that username already exists.'] },
        empty: { username: REQUIRED, password: REQUIRED },
      }),
    }),
  },
  async handle(c, { data }) {
    const links = isEnabled(byVerification, c.var) ? linkServices(c, 'activation') : undefined;
    const allowed = links ? await limitAddress(c, 'mail-address') : ok(undefined);
    if (!allowed.ok) return allowed;
    const registered = await registerUser(c.var, data);
    if (!registered.ok) return registered;
    const { key, ...user } = registered.value;
    const status = c.var.settings.registerStatus;
    audit(c, { event: 'registered', user_id: user.id });
    if (key !== undefined) return loginResponse(c, { token: key }, status, user);
    if (links) {
      sendAfterResponse(c, 'activation', links.mail, () =>
        writeFirstActivation(c.var, user.id, links),
      );
    }
    return c.json({ detail: 'Verification e-mail sent.' }, status);
  },
});
