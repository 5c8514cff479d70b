/** The messages that requests lead to. Each is sent after the response, and logged. */
import {
  type AccountMail,
  type LinkRequest,
  type LinkServices,
  type MailKind,
  type Outgoing,
  siteOf,
} from '../auth/account-mail.ts';
import type { StaleLink } from '../auth/activation.ts';
import type { AuthServices } from '../auth/auth-services.ts';
import type { LinkPurpose } from '../auth/link-tokens.ts';
import type { InvalidLink } from '../auth/password-reset.ts';
import type { PasswordRefused } from '../auth/password-validators.ts';
import type { User } from '../auth/users.ts';
import { log, logFault } from '../lib/log.ts';
import { rootCause } from '../lib/root-cause.ts';
import { ServiceUnavailable } from '../lib/service-unavailable.ts';
import { EmailSerializer } from '../validation/schemas.ts';
import type { ByMail } from './by-mail.ts';
import type { AppContext, Body } from './context.ts';
import { fail } from './errors.ts';
import { linkTemplate } from './link-template.ts';
import { readBody } from './read-body.ts';
import { afterAnswer } from './run-after-response.ts';
import { audit } from './security-log.ts';

/**
 * Answers a request for links to an address: 204, whether or not an account has it. The address is
 * looked up after the response.
 */
export async function answerByMail(
  c: AppContext<Body<typeof EmailSerializer>>,
  purpose: LinkPurpose,
  services: ByMail,
  write: (
    services: AuthServices,
    request: LinkRequest,
    links: LinkServices,
  ) => Promise<Outgoing | undefined>,
) {
  const links = { ...services, template: linkTemplate(c, purpose) };
  const body = await readBody(c, 'mail-address', EmailSerializer);
  if (!body.ok) return fail(c, body.error);
  sendAfterAnswer(c, purpose, links.mail, () => write(c.var, body.value, links));
  return c.body(null, 204);
}

/** Sends a message after the response, if there is one. */
export function sendAfterAnswer(
  c: AppContext,
  kind: MailKind,
  mail: AccountMail,
  write: () => Promise<Outgoing | undefined>,
): void {
  afterAnswer(c, async () => {
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
  sendAfterAnswer(c, kind, mail, async () => {
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

/** Refuses an invalid link. The reason is logged. */
export function refuseLink(c: AppContext, failure: InvalidLink | StaleLink | PasswordRefused) {
  if (failure.kind !== 'password-refused') {
    const user_id = 'userId' in failure ? failure.userId : undefined;
    audit(c, { event: 'link-refused', user_id, reason: failure.kind });
  }
  return fail(c, failure);
}
