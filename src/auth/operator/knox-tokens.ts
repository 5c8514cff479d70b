/** The tokens of django-rest-knox 5 for the command line (knox/models.py). */
import type { KnoxTokenStore } from '../../store/operator/knox-tokens.ts';
import { storedToken } from '../../store/stored-token.ts';
import { type KnoxSettings, type KnoxToken, newToken } from '../knox.ts';
import type { FoundUser } from './users.ts';

/**
 * Creates a token of a user.
 *
 * @param reset whether to delete all other tokens of the user
 * @returns the token, whose key cannot be read again
 */
export async function createKnoxToken(
  store: KnoxTokenStore,
  { id }: FoundUser,
  settings: KnoxSettings,
  { reset }: { reset: boolean },
): Promise<KnoxToken> {
  const token = newToken(settings);
  const { key, created, expiry } = token;
  await store.insertToken({ ...storedToken(key), created, user_id: id, expiry }, { reset });
  return token;
}
