/**
 * What an isolate makes once of its bindings: settings, store, hashing, limits and who asks. For
 * every door.
 */
import type { AppOptions } from './app-options.ts';
import type { AccountMail } from './auth/account-mail.ts';
import { hashHere, type PasswordHashing } from './auth/passwords/password-hashing.ts';
import { type Authenticate, authenticate } from './auth/tokens.ts';
import { type Bindings, hasDatabase } from './bindings.ts';
import { hashInObjects } from './hash-in-objects.ts';
import { type Limits, limitsOf } from './limits.ts';
import { accountMail } from './mail/messages.tsx';
import { type SendMail, sendByCloudflare } from './mail/send-mail.ts';
import { parseSettings, type Settings, SettingsError } from './settings.ts';
import { createStore, type Store } from './store/store.ts';

export type Services = {
  settings: Settings;
  store: Store;
  hashing: PasswordHashing;
  limits: Limits;
  authenticate: Authenticate;
  /** Undefined where no e-mail can be sent. */
  mail: AccountMail | undefined;
};

/** The services of an `env`, for a client: an address, undefined if unknown. */
type ServicesOf<E> = (env: E, client?: string) => Services;

/**
 * An isolate's `env` stays the same: its vars are parsed and its statements prepared once, at the
 * first request.
 *
 * @returns the services of an `env`. It throws SettingsError if a var cannot be used
 * @throws SettingsError if a setting of the options cannot be used
 */
export function createServices<E extends object>(options: AppOptions<E>): ServicesOf<E> {
  // Check the options now, so that a bad one stops the deployment.
  if (options.settings) parseSettings({}, options.settings);
  const services = new WeakMap<E, (client?: string) => Services>();

  return function servicesOf(env, client) {
    const known = services.get(env);
    if (known) return known(client);
    const bindings = options.bindings?.(env) ?? defaultBindings(env);
    const settings = parseSettings(bindings, options.settings);
    const { iterations, tokenMaxAgeDays } = settings;
    const store = createStore(bindings.DB, settings);
    const hashingFor = bindings.PASSWORD_HASHER
      ? hashInObjects(bindings.PASSWORD_HASHER, iterations)
      : (client?: string) => hashHere(iterations, client);
    const ofAll: Omit<Services, 'hashing'> = {
      settings,
      store,
      limits: limitsOf(bindings),
      authenticate: (authorization) =>
        authenticate(authorization, store.findToken, tokenMaxAgeDays),
      mail: mailOf(options.sendMail?.(env) ?? sender(bindings), settings),
    };
    const created = (client?: string): Services => ({ ...ofAll, hashing: hashingFor(client) });
    services.set(env, created);
    return created(client);
  };
}

const sender = ({ EMAIL }: Bindings) => EMAIL && sendByCloudflare(EMAIL);

/** @throws SettingsError where addresses are to be verified and no e-mail can be sent */
function mailOf(send: SendMail | undefined, settings: Settings): AccountMail | undefined {
  const { defaultFromEmail, emailVerification } = settings;
  if (send && defaultFromEmail !== undefined) return accountMail(send, defaultFromEmail, settings);
  if (emailVerification === 'none') return undefined;
  throw new SettingsError(
    'EMAIL_VERIFICATION is "required", but no e-mail can be sent: bind EMAIL and set DEFAULT_FROM_EMAIL.',
  );
}

function defaultBindings(env: object): Bindings {
  if (hasDatabase(env)) return env;
  throw new SettingsError('DB is not bound: bind a D1 database by this name, or say its own name.');
}
