/**
 * Events that a host can handle. The names are those of Django's signals
 * (django/contrib/auth/signals.py), djoser's (djoser/signals.py) and allauth's
 * (allauth/account/signals.py).
 */
import type { InvalidCredentials } from '../auth/login.ts';
import { logFault } from '../lib/log.ts';

type OfUser = { user_id: number };

export type Events = {
  user_registered: OfUser;
  user_activated: OfUser;
  user_logged_in: OfUser;
  /** `user_id` is undefined if there is no such user. The client does not get the reason. */
  user_login_failed: { user_id: number | undefined; reason: InvalidCredentials['reason'] };
  /** The token is revoked. */
  user_logged_out: OfUser;
  password_changed: OfUser;
  /** By a link in an e-mail. */
  password_reset: OfUser;
  username_changed: OfUser;
  email_changed: OfUser;
  user_deleted: OfUser;
};

/** An event with its name. */
export type Emitted<Name extends keyof Events = keyof Events> = {
  [N in Name]: { name: N; event: Events[N] };
}[Name];

/** @template E the environment of the host */
export type EventHandlers<E> = {
  [Name in keyof Events]?: (event: Events[Name], env: E) => unknown;
};

/** What the host does on an event; undefined if nothing. It does not throw: errors are logged. */
export function handlingOf<E, Name extends keyof Events>(
  handlers: EventHandlers<E>,
  env: E,
  { name, event }: Emitted<Name>,
): (() => Promise<void>) | undefined {
  const handle = handlers[name];
  if (!handle) return undefined;
  return async function handleEvent() {
    try {
      await handle(event, env);
    } catch (error) {
      logFault(error, `The handler of the event ${name} failed.`);
    }
  };
}
