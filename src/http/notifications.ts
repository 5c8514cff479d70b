/** The messages that requests lead to. Each is sent after the response, and logged. */
import {
  type AccountMail,
  type LinkServices,
  type MailKind,
  type Outgoing,
  siteOf,
} from '../auth/account-mail.ts';
import type { StaleLink } from '../auth/activation.ts';
import type { LinkPurpose, LinkSettings } from '../auth/link-tokens.ts';
import type { InvalidLink } from '../auth/password-reset.ts';
import type { PasswordRefused } from '../auth/password-validators.ts';
import type { User } from '../auth/users.ts';
import { log, logFault } from '../lib/log.ts';
import { type Err, err } from '../lib/result.ts';
import { rootCause } from '../lib/root-cause.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import type { Services } from '../services/services.ts';
import type { AppContext } from './context.ts';
import { linkTemplate } from './link-template.ts';
import { runAfterResponse } from './run-after-response.ts';
import { audit } from './security-log.ts';

/** What a route that sends or takes links works with. */
export type Mailing = { mail: AccountMail; links: LinkSettings };

/** @throws ServiceUnavailable if there is no key to sign links with */
export function mailing({ mail, settings }: Services): Mailing {
  const { secretKey, secretKeyFallbacks, passwordResetTimeoutSeconds: timeoutSeconds } = settings;
  if (!mail)
    throw new Error('No e-mail can be sent. The routes that need it are not enabled then.');
  if (secretKey === undefined) {
    const message = 'SECRET_KEY is not set. Set it: npm run wrangler -- secret put SECRET_KEY';
    throw new ServiceUnavailable('mail', message);
  }
  return { mail, links: { secretKey, secretKeyFallbacks, timeoutSeconds } };
}

/** What writes the links of a purpose. @throws ServiceUnavailable if a setting of links is missing */
export const linkServices = (
  c: AppContext,
  purpose: LinkPurpose,
  { mail, links } = mailing(c.var),
): LinkServices => ({ mail, links, template: linkTemplate(c, purpose) });

/** Sends a message after the response, if there is one. */
export function sendAfterResponse(
  c: AppContext,
  kind: MailKind,
  mail: AccountMail,
  write: () => Promise<Outgoing | undefined>,
): void {
  runAfterResponse(c, async () => {
    const outgoing = await write();
    if (outgoing) await deliver(c, kind, mail, outgoing);
    else audit(c, { event: 'mail-not-sent', mail: kind });
  });
}

/** Notifies users of a change to their account, at the address that they had before. */
export function notify(
  c: AppContext,
  kind: 'passwordChanged' | 'emailChanged',
  { id, username, email }: Pick<User, 'id' | 'username' | 'email'>,
): void {
  const { mail, settings } = c.var;
  if (!mail || !settings.accountEmailNotifications || email === '') return;
  sendAfterResponse(c, kind, mail, async () => {
    const site = siteOf(linkTemplate(c, 'passwordReset'));
    return { userIds: [id], countedAs: kind, message: mail[kind](site, { username, email }) };
  });
}

/** Sends a message. Every message that a request leads to is sent here. */
async function deliver(
  c: AppContext,
  kind: MailKind,
  mail: AccountMail,
  { userIds, countedAs, message }: Outgoing,
): Promise<void> {
  try {
    const outcome = await mail.send(countedAs, message);
    for (const user_id of userIds) {
      if (outcome === 'sent') audit(c, { event: 'mail-sent', user_id, mail: kind });
      else audit(c, { event: 'throttled', scope: 'message', user_id });
    }
  } catch (error) {
    // The object that counts messages did not respond.
    if (error instanceof ServiceUnavailable) logFault(error);
    else for (const user_id of userIds) logMailFault(user_id, kind, error);
  }
}

/** Logs name and code of the error only: mail services quote addresses in its message. */
function logMailFault(user_id: number, mail: MailKind, error: unknown): void {
  const cause: { name?: unknown; code?: unknown } = Object(rootCause(error));
  const [name, code] = [identifier(cause.name), identifier(cause.code)];
  log('error', { event: 'mail-failed', user_id, mail, name, code });
}

/** Undefined for a text that could hold an address. */
const identifier = (value: unknown): unknown =>
  typeof value === 'number' || (typeof value === 'string' && /^\w+$/.test(value))
    ? value
    : undefined;

/** Logs why a link is refused. @returns the failure */
export function linkError<T extends InvalidLink | StaleLink | PasswordRefused>(
  c: AppContext,
  failure: T,
): Err<T> {
  if (failure.kind !== 'password-refused') {
    const user_id = 'userId' in failure ? failure.userId : undefined;
    audit(c, { event: 'link-refused', user_id, reason: failure.kind });
  }
  return err(failure);
}
