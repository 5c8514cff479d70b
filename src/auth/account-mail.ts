/** What the domain says by e-mail. How a message looks and who carries it is not known here. */

import { encodeUid, type LinkedUser, type LinkSettings, makeToken } from './link-tokens.ts';
import { UNUSABLE_PREFIX } from './passwords/identify.ts';

export type Addressee = { username: string; email: string };

/** The two parts of a link, as Django's and djoser's URLs have them. */
export type Link = { uid: string; token: string };

/** A message is `throttled`, and not sent, if its recipient has had too many. */
export type MessageOutcome = 'sent' | 'throttled';

/** Each sends one message. They throw if it cannot be sent. */
export type AccountMail = {
  passwordReset: (to: Addressee, link: Link) => Promise<MessageOutcome>;
  activation: (to: Addressee, link: Link) => Promise<MessageOutcome>;
  passwordChanged: (to: Addressee) => Promise<MessageOutcome>;
  emailChanged: (to: Addressee) => Promise<MessageOutcome>;
};

/** What is needed to send links. */
export type LinkServices = { mail: AccountMail; links: LinkSettings };

/** What became of one user's message. Log the error; do not return it. */
export type Delivery =
  | { userId: number; outcome: MessageOutcome }
  | { userId: number; outcome: 'failed'; error: unknown };

/** Sends each of these users a link of its own. One that can't be sent leaves the others alone. */
export function sendLinks(
  users: (LinkedUser & Addressee)[],
  send: AccountMail['passwordReset'],
  links: LinkSettings,
): Promise<Delivery[]> {
  const now = new Date();
  return Promise.all(
    users.map(async (user) => {
      try {
        const link = { uid: encodeUid(user.id), token: makeToken(user, links, now) };
        return { userId: user.id, outcome: await send(user, link) };
      } catch (error) {
        return { userId: user.id, outcome: 'failed', error };
      }
    }),
  );
}

/**
 * Users of one address who get a message each. Django sends them all; Workers Free lets a request
 * make 50 calls to other services (developers.cloudflare.com/workers/platform/limits).
 */
export const MAX_USERS_PER_ADDRESS = 10;

/**
 * Has the user this address, and a password that can be replaced? The database compares ASCII
 * letters alone; this is `_unicode_ci_compare` (django/contrib/auth/forms.py).
 */
export const isReachable = (user: LinkedUser, email: string): boolean =>
  !user.password.startsWith(UNUSABLE_PREFIX) &&
  comparableEmail(user.email) === comparableEmail(email);

/** Addresses that a mail service may take for the same are equal in this form. */
export const comparableEmail = (email: string): string => email.normalize('NFKC').toLowerCase();
