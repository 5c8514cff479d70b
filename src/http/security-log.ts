/**
 * The security log: one JSON line per event. It never contains a password, token, hash or e-mail
 * address. Failed logins have no username, because users sometimes type a password there.
 */
import type { MailKind } from '../auth/account-mail.ts';
import type { StaleLink } from '../auth/activation.ts';
import type { InvalidCredentials } from '../auth/login.ts';
import type { InvalidLink } from '../auth/password-reset.ts';
import { log } from '../lib/log.ts';
import type { Events } from '../services/events.ts';
import type { RateLimitScope } from '../services/rate-limits.ts';
import type { Services } from '../services/services.ts';
import { clientAddress } from './client-address.ts';
import type { AppContext } from './context.ts';
import { runAfterResponse } from './run-after-response.ts';

export type SecurityEvent =
  | { event: 'registered'; user_id: number }
  | { event: 'login-succeeded'; user_id: number }
  | { event: 'login-failed'; user_id: number | undefined; reason: InvalidCredentials['reason'] }
  | { event: 'throttled'; user_id: number | undefined; scope: RateLimitScope }
  | { event: 'password-changed'; user_id: number }
  | { event: 'password-change-refused'; user_id: number }
  | { event: 'username-changed'; user_id: number }
  | { event: 'username-change-refused'; user_id: number }
  | { event: 'email-changed'; user_id: number }
  | { event: 'email-change-refused'; user_id: number }
  | { event: 'logged-out'; user_id: number }
  | { event: 'account-deleted'; user_id: number }
  | { event: 'account-deletion-refused'; user_id: number }
  | { event: 'hash-upgraded'; user_id: number }
  | { event: 'mail-sent'; user_id: number; mail: MailKind }
  | { event: 'mail-not-sent'; mail: MailKind }
  | { event: 'password-reset'; user_id: number }
  | { event: 'activated'; user_id: number }
  | { event: 'link-refused'; user_id: number | undefined; reason: LinkFailure['kind'] };

type LinkFailure = InvalidLink | StaleLink;

/** Logs an event, and calls the host's handler after the response. */
export function audit(c: AppContext, event: SecurityEvent): void {
  log('log', { ...event, client: clientAddress(c), request_id: requestId(c) });
  const handle = handlingOf(c.var, event);
  if (handle) runAfterResponse(c, handle);
}

/** Logs why a change with the current password was refused. */
export function auditRefusal(
  c: AppContext,
  failure: { kind: string },
  event:
    | 'password-change-refused'
    | 'username-change-refused'
    | 'email-change-refused'
    | 'account-deletion-refused',
  user_id: number,
): void {
  if (failure.kind !== 'throttled') audit(c, { event, user_id });
  else audit(c, { event: 'throttled', scope: 'password-failures', user_id });
}

/** Cloudflare's id of the request (`CF-Ray`, which Cloudflare overwrites), or a random id. */
function requestId(c: AppContext): string {
  const id = requestIds.get(c) ?? c.req.header('CF-Ray') ?? crypto.randomUUID();
  requestIds.set(c, id);
  return id;
}

/** Keeps one id for all events of a request. */
const requestIds = new WeakMap<AppContext, string>();

/** The names under which the host handles the events of this log that it can handle. */
const HANDLED = {
  registered: 'user_registered',
  activated: 'user_activated',
  'login-succeeded': 'user_logged_in',
  'logged-out': 'user_logged_out',
  'password-changed': 'password_changed',
  'password-reset': 'password_reset',
  'username-changed': 'username_changed',
  'email-changed': 'email_changed',
  'account-deleted': 'user_deleted',
} as const satisfies Partial<Record<SecurityEvent['event'], keyof Events>>;

type Handled = Extract<SecurityEvent, { event: keyof typeof HANDLED }>;

const isHandled = (event: SecurityEvent): event is Handled => Object.hasOwn(HANDLED, event.event);

function handlingOf(services: Pick<Services, 'handlingOf'>, logged: SecurityEvent) {
  if (logged.event === 'login-failed') {
    const { event: _, ...event } = logged;
    return services.handlingOf({ name: 'user_login_failed', event });
  }
  if (!isHandled(logged)) return undefined;
  return services.handlingOf({ name: HANDLED[logged.event], event: { user_id: logged.user_id } });
}
