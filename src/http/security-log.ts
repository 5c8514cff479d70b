/**
 * The security log: one JSON line per event. It never contains a password, token, hash or e-mail
 * address. Failed logins have no username, because users sometimes type a password there.
 */
import type { MailKind } from '../auth/account-mail.ts';
import type { StaleLink } from '../auth/activation.ts';
import type { InvalidCredentials } from '../auth/login.ts';
import type { InvalidLink } from '../auth/password-reset.ts';
import type { Act, ActRefusal, Rights } from '../auth/staff.ts';
import type { TokenLimitExceeded } from '../auth/tokens.ts';
import { log } from '../lib/log.ts';
import type { RateLimitScope } from '../services/rate-limits.ts';
import { clientAddress } from './client-address.ts';
import type { AppContext } from './context.ts';

type SecurityEvent =
  | { event: 'registered'; user_id: number }
  | { event: 'login-succeeded'; user_id: number }
  | {
      event: 'login-failed';
      user_id: number | undefined;
      reason: InvalidCredentials['reason'] | TokenLimitExceeded['kind'];
    }
  | { event: 'throttled'; user_id: number | undefined; scope: RateLimitScope }
  | { event: 'password-changed'; user_id: number }
  | { event: 'password-change-refused'; user_id: number }
  | { event: 'username-changed'; user_id: number }
  | { event: 'username-change-refused'; user_id: number }
  | { event: 'email-changed'; user_id: number }
  | { event: 'email-change-refused'; user_id: number }
  | { event: 'names-changed'; user_id: number }
  | ({ event: 'rights-changed'; user_id: number } & Rights)
  | { event: 'deactivated'; user_id: number }
  | { event: 'sessions-ended'; user_id: number }
  | { event: 'reset-link-requested'; user_id: number }
  | { event: 'staff-act-refused'; user_id: number; act: Act; reason: ActRefusal['kind'] }
  | { event: 'rights-change-refused'; user_id: number }
  | { event: 'logged-out'; user_id: number }
  | { event: 'logged-out-everywhere'; user_id: number }
  | { event: 'token-revoked'; user_id: number }
  | { event: 'account-deleted'; user_id: number }
  | { event: 'account-deletion-refused'; user_id: number }
  | { event: 'hash-upgraded'; user_id: number }
  | { event: 'mail-sent'; user_id: number; mail: MailKind }
  | { event: 'mail-not-sent'; mail: MailKind }
  | { event: 'password-reset'; user_id: number }
  | { event: 'activated'; user_id: number }
  | { event: 'link-refused'; user_id: number | undefined; reason: LinkFailure['kind'] };

type LinkFailure = InvalidLink | StaleLink;

/** @param by_user_id the member of staff who did it to another user; undefined for the user itself */
export function audit(c: AppContext, event: SecurityEvent, by_user_id?: number): void {
  log('log', { ...event, by_user_id, client: clientAddress(c), request_id: requestId(c) });
}

/** Logs why a change with the current password was refused. */
export function auditRefusal(
  c: AppContext,
  failure: { kind: string },
  event:
    | 'password-change-refused'
    | 'username-change-refused'
    | 'email-change-refused'
    | 'rights-change-refused'
    | 'account-deletion-refused',
  user_id: number,
  by_user_id?: number,
): void {
  if (failure.kind !== 'throttled') audit(c, { event, user_id }, by_user_id);
  else audit(c, { event: 'throttled', scope: 'password-failures', user_id }, by_user_id);
}

/** Cloudflare's id of the request (`CF-Ray`, which Cloudflare overwrites), or a random id. */
function requestId(c: AppContext): string {
  const id = requestIds.get(c) ?? c.req.header('CF-Ray') ?? crypto.randomUUID();
  requestIds.set(c, id);
  return id;
}

/** Keeps one id for all events of a request. */
const requestIds = new WeakMap<AppContext, string>();
