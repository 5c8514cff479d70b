import type { Token } from '../../../auth/tokens.ts';
import type { AppContext } from '../../context.ts';
import { expiryOf } from '../../token-response.ts';

/** A new token and its expiry (knox/views.py, `LoginView.get_post_response_data`). */
export const tokenBody = (c: AppContext, token: Token, username: string) => ({
  expiry: expiryOf(c, token),
  token: token.key,
  // knox/serializers.py, `UserSerializer`.
  ...(c.var.settings.userSerializer && { user: { username } }),
});
