import { env } from 'cloudflare:workers';
import * as v from 'valibot';
import { vi } from 'vitest';
import {
  encodeUid,
  type LinkPurpose,
  type LinkTokenUser,
  makeToken,
} from '../../src/auth/link-tokens.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { unthrottled } from './client.ts';

const Mail = v.object({
  from: v.unknown(),
  to: v.string(),
  subject: v.string(),
  text: v.string(),
  html: v.string(),
});

export type Mail = v.InferOutput<typeof Mail>;

const SECRET_KEY = 'a secret key of the tests';

/** Sends messages without the random delay until the end of the test. */
export const sendWithoutDelay = () => vi.spyOn(Math, 'random').mockReturnValue(0);

/** Bindings that send e-mail, without the random delay in the current test, and the sent messages. */
export function withMailbox(bindings: Partial<Bindings> = {}) {
  sendWithoutDelay();
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

/**
 * Bindings that enable each route of each family. Two routes of djoser stand for those of activations if
 * these are off, and only then (http/routes/djoser/activation-off.ts).
 */
export const withAllRoutes = (bindings: Partial<Bindings> = {}) =>
  withMailbox({
    EMAIL_VERIFICATION: 'required',
    ALLOW_PUT_ME: 'true',
    TOKEN_MODEL: 'knox.AuthToken',
    ...bindings,
  }).bindings;

type Link = { uid: string; token: string };

/** `uid` and `token` of each link in a message. */
export function linksIn(mail: Mail | undefined): Link[] {
  const links = (mail?.text ?? '').matchAll(
    /\/(?<uid>[A-Za-z0-9]+)\/(?<token>[0-9a-z]+-[0-9a-f]{32})\n/g,
  );
  return [...links].map(({ groups: { uid = '', token = '' } = {} }) => ({ uid, token }));
}

/** `uid` and `token` of the only link in a message. */
export function linkIn(mail: Mail | undefined): Link {
  const [link, ...others] = linksIn(mail);
  if (!link || others.length > 0) throw new Error('The message does not have one link.');
  return link;
}

type LinkOptions = { purpose?: LinkPurpose; now?: Date; secretKey?: string };

/** A link as this Worker creates it, for the stored user. */
export async function linkFor(
  username: string,
  { purpose = 'passwordReset', now = new Date(), secretKey = SECRET_KEY }: LinkOptions = {},
): Promise<Link> {
  const user = await env.DB.prepare(
    'SELECT id, password, last_login, email FROM auth_user WHERE username = ?',
  )
    .bind(username)
    .first<LinkTokenUser>();
  if (!user) throw new Error('There is no such user.');
  const links = { secretKey, secretKeyFallbacks: [], timeoutSeconds: 0 };
  return { uid: encodeUid(user.id), token: makeToken(purpose, user, links, now) };
}
