import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { encodeUid, type LinkedUser, makeToken } from '../../src/auth/link-tokens.ts';
import type { Bindings } from '../../src/bindings.ts';
import { unthrottled } from './client.ts';

const Mail = v.object({
  from: v.unknown(),
  to: v.string(),
  subject: v.string(),
  text: v.string(),
  html: v.string(),
});

type Mail = v.InferOutput<typeof Mail>;

const SECRET_KEY = 'a secret key of the tests';

/** Bindings that can send e-mail, and what was sent. */
export function withMailbox(bindings: Partial<Bindings> = {}) {
  const mails: Mail[] = [];
  const EMAIL: SendEmail = {
    async send(message: unknown) {
      mails.push(v.parse(Mail, message));
      return { messageId: String(mails.length) };
    },
  };
  const all: Bindings = {
    ...unthrottled,
    EMAIL,
    SECRET_KEY,
    DEFAULT_FROM_EMAIL: 'Us <us@example.com>',
    ...bindings,
  };
  return { bindings: all, mails };
}

/** The two parts of the link in a message. */
export function linkIn(mail: Mail | undefined): { uid: string; token: string } {
  const found = /\/(?<uid>[A-Za-z0-9]+)\/(?<token>[0-9a-z]+-[0-9a-f]{32})\n/.exec(mail?.text ?? '');
  const { uid, token } = found?.groups ?? {};
  if (uid === undefined || token === undefined) throw new Error('There is no link in the message.');
  return { uid, token };
}

/** A link as this Worker makes one, for the user as it is stored. */
export async function linkFor(username: string, now = new Date(), secretKey = SECRET_KEY) {
  const user = await env.DB.prepare(
    'SELECT id, password, last_login, email FROM auth_user WHERE username = ?',
  )
    .bind(username)
    .first<LinkedUser>();
  if (!user) throw new Error('There is no such user.');
  const links = { secretKey, secretKeyFallbacks: [], timeoutSeconds: 0 };
  return { uid: encodeUid(user.id), token: makeToken(user, links, now) };
}
