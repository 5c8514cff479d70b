/** The tokens of a user, for the user: one for each device with knox's model, and one with DRF's. */
import { djangoDatetime } from '../lib/django-datetime.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { storedToken, TOKEN_KEY_LENGTH } from '../store/stored-token.ts';
import { isPast, TOKEN_ID, tokenIdOf } from '../store/tokens.ts';
import type { AuthServices } from './auth-services.ts';
import type { Authenticated } from './tokens.ts';
import type { User } from './users.ts';

export type OwnToken = {
  id: string;
  /** The first characters of the token. */
  token_key: string;
  /** Django's datetime text, as is `expiry`. */
  created: string;
  /** Null if the token does not expire. */
  expiry: string | null;
  /** Whether it is the token of the request. */
  is_current: boolean;
};

/** Lists the tokens that have not expired. The first one is that of the request, and then the newest. */
export async function listOwnTokens(
  { store, tokens }: AuthServices,
  { user, token: { key, ...dates } }: Authenticated,
): Promise<OwnToken[]> {
  const now = djangoDatetime(new Date());
  const current = { ...dates, ...storedToken(key) };
  const listed = await store.listTokens(user.id, now);
  // The list is bounded, and may be without the token of the request.
  const all = [current, ...listed];
  return [...new Map(all.map((token) => [token.digest, token])).values()]
    .map((token) => ({ ...token, expiry: tokens.expiryOf(token) }))
    .filter(({ expiry }) => !isPast(expiry, now))
    .map((token) => ({
      id: tokenIdOf(token),
      token_key: shownOf(token),
      created: token.created,
      expiry: token.expiry,
      is_current: token.digest === current.digest,
    }));
}

/** Shows nothing of a short token, which the first characters would reveal. Imported tokens may have any length. */
const shownOf = ({ token_key }: { token_key: string }): string =>
  token_key.length < TOKEN_KEY_LENGTH ? '' : token_key;

/** Deletes a token of the user. It may be the one of the request. */
export async function deleteOwnToken(
  { store }: AuthServices,
  { id: userId }: User,
  id: string,
): Promise<Result<undefined, { kind: 'not-found' }>> {
  const isDeleted = TOKEN_ID.test(id) && (await store.deleteTokenById(userId, id));
  return isDeleted ? ok(undefined) : err({ kind: 'not-found' });
}
