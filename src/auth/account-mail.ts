/** What the domain says by e-mail. How a message looks and who carries it is not known here. */

import { encodeUid, type LinkedUser, type LinkSettings, makeToken } from './link-tokens.ts';
import { UNUSABLE_PREFIX } from './passwords/identify.ts';

export type Addressee = { username: string; email: string };

/** The two parts of a link, as Django's and djoser's URLs have them. */
export type Link = { uid: string; token: string };

/** Each sends one message. They throw where it can't be sent. */
export type AccountMail = {
  passwordReset: (to: Addressee, link: Link) => Promise<void>;
  activation: (to: Addressee, link: Link) => Promise<void>;
  passwordChanged: (to: Addressee) => Promise<void>;
  emailChanged: (to: Addressee) => Promise<void>;
};

/** What is needed to send links. */
export type LinkServices = { mail: AccountMail; links: LinkSettings };

/** Of one user: was its message sent? An error is for the log alone. */
export type Delivery = { userId: number; error?: unknown };

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
        await send(user, { uid: encodeUid(user.id), token: makeToken(user, links, now) });
        return { userId: user.id };
      } catch (error) {
        return { userId: user.id, error };
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
  !user.password.startsWith(UNUSABLE_PREFIX) && comparable(user.email) === comparable(email);

const comparable = (email: string): string => email.normalize('NFKC').toLowerCase();
