/**
 * Events that a host can handle. The names are those of Django's signals
 * (django/contrib/auth/signals.py), djoser's (djoser/signals.py) and allauth's
 * (allauth/account/signals.py).
 */
import { logFault } from '../lib/log.ts';
import type { SecurityEvent } from './security-event.ts';

type OfUser = { user_id: number };

type FailedLogin = Extract<SecurityEvent, { event: 'login-failed' }>;

export type Events = {
  user_registered: OfUser;
  user_activated: OfUser;
  user_logged_in: OfUser;
  /** `user_id` is undefined if there is no such user. The client does not get the reason. */
  user_login_failed: Pick<FailedLogin, 'user_id' | 'reason'>;
  /** The token, or each token of the user, is deleted. */
  user_logged_out: OfUser;
  password_changed: OfUser;
  /** By a link in an e-mail. */
  password_reset: OfUser;
  username_changed: OfUser;
  email_changed: OfUser;
  user_deleted: OfUser;
  /** By staff. The token is refused while the user is inactive. */
  user_deactivated: OfUser;
  /** The user deleted one of its tokens by its id, or staff deleted all of them. */
  token_revoked: OfUser;
};

/** @template E the environment of the host */
export type EventHandlers<E> = {
  [Name in keyof Events]?: (event: Events[Name], env: E) => unknown;
};

/**
 * Returns what the host does on an event of the security log; undefined if nothing. It does not throw:
 * errors are logged.
 */
export type HandlingOf = (logged: SecurityEvent) => (() => Promise<void>) | undefined;

/**
 * Calls functions on events, after the response. They get ids, and never a password, token or hash. An
 * error is logged and changes nothing. Only an app that calls it has its code in the bundle.
 *
 * @example
 * createApp({ events: eventHandlers({ user_registered: ({ user_id }) => console.log(user_id) }) });
 */
export const eventHandlers =
  <E>(handlers: EventHandlers<E>) =>
  (env: E): HandlingOf =>
    function handlingOf(logged) {
      const call = callOf(handlers, logged, env);
      if (!call) return undefined;
      return async function handleEvent() {
        try {
          await call();
        } catch (error) {
          logFault(error, `The handler of the event ${nameOf(logged)} failed.`);
        }
      };
    };

function callOf<E>(handlers: EventHandlers<E>, logged: SecurityEvent, env: E) {
  if (logged.event === 'login-failed') {
    const { user_id, reason } = logged;
    const handle = handlers.user_login_failed;
    return handle && (() => handle({ user_id, reason }, env));
  }
  if (!isOfUser(logged)) return undefined;
  const { user_id } = logged;
  const handle = handlers[NAMES[logged.event]];
  return handle && (() => handle({ user_id }, env));
}

/** The names of the events that have only a user. */
const NAMES = {
  registered: 'user_registered',
  activated: 'user_activated',
  'login-succeeded': 'user_logged_in',
  'logged-out': 'user_logged_out',
  'logged-out-everywhere': 'user_logged_out',
  'password-changed': 'password_changed',
  'password-reset': 'password_reset',
  'username-changed': 'username_changed',
  'email-changed': 'email_changed',
  'account-deleted': 'user_deleted',
  deactivated: 'user_deactivated',
  'sessions-ended': 'token_revoked',
  'token-revoked': 'token_revoked',
} as const satisfies Partial<Record<SecurityEvent['event'], keyof Events>>;

type OfUserEvent = Extract<SecurityEvent, { event: keyof typeof NAMES }>;

const isOfUser = (logged: SecurityEvent): logged is OfUserEvent =>
  Object.hasOwn(NAMES, logged.event);

const nameOf = (logged: SecurityEvent) =>
  isOfUser(logged) ? NAMES[logged.event] : 'user_login_failed';
