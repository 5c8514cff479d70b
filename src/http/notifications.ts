/** Sends the e-mails of a request. Each is sent after the response, and logged. */
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
import type { PasswordMismatch, PasswordRefused } from '../auth/password-validators.ts';
import type { User } from '../auth/users.ts';
import { log, logFault } from '../lib/log.ts';
import { type Err, err } from '../lib/result.ts';
import { rootCause } from '../lib/root-cause.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import { wait } from '../lib/wait.ts';
import type { Services } from '../services/services.ts';
import type { AppContext } from './context.ts';
import { linkTemplate } from './link-template.ts';
import { runAfterResponse } from './run-after-response.ts';
import { audit } from './security-log.ts';

/** The services of a route that sends or accepts links. */
export type EmailServices = { mail: AccountMail; linkSettings: LinkSettings };

/** @throws ServiceUnavailable if there is no key to sign links with */
export function emailServices({ mail, settings }: Services): EmailServices {
  const { secretKey, secretKeyFallbacks, passwordResetTimeoutSeconds: timeoutSeconds } = settings;
  if (!mail) throw new Error('E-mail is not configured. The route should have been disabled.');
  if (secretKey === undefined) {
    const message = 'SECRET_KEY is not set. Set it: npx wrangler secret put SECRET_KEY';
    throw new ServiceUnavailable('mail', message);
  }
  return { mail, linkSettings: { secretKey, secretKeyFallbacks, timeoutSeconds } };
}

/**
 * The services to write the links of a purpose.
 *
 * @throws ServiceUnavailable if a setting of links is missing
 */
export const linkServices = (c: AppContext, purpose: LinkPurpose): LinkServices => ({
  ...emailServices(c.var),
  template: linkTemplate(c, purpose),
});

/**
 * A message is sent at a random moment within this time after the response. Sending occupies the
 * isolate, so the next response would reveal that there is a message.
 */
const MAX_DELAY_MS = 1000;

/**
 * Writes a message after the response, and sends it a little later.
 *
 * @param write returns undefined to send nothing
 */
export function sendAfterResponse(
  c: AppContext,
  kind: MailKind,
  mail: AccountMail,
  write: () => Promise<Outgoing | undefined>,
): void {
  runAfterResponse(c, async () => {
    const outgoing = await write();
    await wait(Math.random() * MAX_DELAY_MS);
    if (outgoing) await deliver(c, kind, mail, outgoing);
    else audit(c, { event: 'mail-not-sent', mail: kind });
  });
}

/** The messages about an account, and the setting of each. */
const NOTIFICATIONS = {
  confirmation: 'sendConfirmationEmail',
  passwordChanged: 'accountEmailNotifications',
  usernameChanged: 'accountEmailNotifications',
  emailChanged: 'accountEmailNotifications',
} as const;

/** Notifies a user of a change to the account. A new address is not used yet. */
export function notify(
  c: AppContext,
  kind: keyof typeof NOTIFICATIONS,
  { id, username, email }: Pick<User, 'id' | 'username' | 'email'>,
): void {
  const { mail, settings } = c.var;
  if (!mail || !settings[NOTIFICATIONS[kind]] || email === '') return;
  sendAfterResponse(c, kind, mail, async () => {
    const site = siteOf(linkTemplate(c, 'passwordReset'));
    return { userIds: [id], countedAs: kind, message: mail[kind](site, { username, email }) };
  });
}

/** Sends a message and logs the result. Every e-mail of a request is sent here. */
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

/** Logs only the name and code of the error: mail services quote addresses in the message. */
function logMailFault(user_id: number, mail: MailKind, error: unknown): void {
  const cause: { name?: unknown; code?: unknown } = Object(rootCause(error));
  const [name, code] = [identifier(cause.name), identifier(cause.code)];
  log('error', { event: 'mail-failed', user_id, mail, name, code });
}

/** @returns undefined for a string that could contain an address */
const identifier = (value: unknown): unknown =>
  typeof value === 'number' || (typeof value === 'string' && /^\w+$/.test(value))
    ? value
    : undefined;

/** Logs why a link was refused. @returns the failure */
export function linkError<T extends LinkFailure | Refusal>(c: AppContext, failure: T): Err<T> {
  if (isOfLink(failure)) {
    const user_id = 'userId' in failure ? failure.userId : undefined;
    audit(c, { event: 'link-refused', user_id, reason: failure.kind });
  }
  return err(failure);
}

type LinkFailure = InvalidLink | StaleLink;

/** The new value is refused, and not the link. */
type Refusal = PasswordRefused | PasswordMismatch | { kind: 'username-taken' };

const REFUSALS: string[] = [
  'password-refused',
  'password-mismatch',
  'username-taken',
] satisfies Refusal['kind'][];

const isOfLink = (failure: LinkFailure | Refusal): failure is LinkFailure =>
  !REFUSALS.includes(failure.kind);
