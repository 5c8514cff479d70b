import type { Token } from '../../../auth/tokens.ts';
import { isoDatetime } from '../../../lib/django-datetime.ts';
import type { AppContext } from '../../context.ts';

/** A new token and its expiry (knox/views.py, `LoginView.get_post_response_data`). */
export function tokenBody(
  { var: { settings, tokens } }: AppContext,
  token: Token,
  username: string,
) {
  const expiry = tokens.expiryOf(token);
  return {
    expiry: expiry === null ? null : isoDatetime(expiry),
    token: token.key,
    // knox/serializers.py, `UserSerializer`.
    ...(settings.userSerializer && { user: { username } }),
  };
}
