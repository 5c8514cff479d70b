/**
 * The security log: one JSON line per event. It never contains a password, token, hash or e-mail
 * address. Failed logins have no username, because users sometimes type a password there.
 */
import { log } from '../lib/log.ts';
import type { SecurityEvent } from '../services/security-event.ts';
import { clientAddress } from './client-address.ts';
import type { AppContext } from './context.ts';
import { runAfterResponse } from './run-after-response.ts';

/**
 * Logs an event, and calls the host's handler after the response.
 *
 * @param by_user_id the member of staff who did it to another user; undefined for the user itself
 */
export function audit(c: AppContext, event: SecurityEvent, by_user_id?: number): void {
  log('log', { ...event, by_user_id, client: clientAddress(c), request_id: requestId(c) });
  const handle = c.var.handlingOf?.(event);
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
