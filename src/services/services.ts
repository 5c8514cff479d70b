/**
 * Creates the services of an environment once and caches them: settings, store, hashing, rate
 * limits, authentication and e-mail. HTTP and RPC share them.
 */

import type { AccountMail } from '../auth/account-mail.ts';
import { authtokenModel } from '../auth/authtoken.ts';
import { knoxModel } from '../auth/knox.ts';
import type { PasswordAttempts } from '../auth/password-attempts.ts';
import type { OwnRegistration } from '../auth/registration-fields.ts';
import {
  type Authenticate,
  authenticate,
  type RunAfterResponse,
  type TokenModel,
} from '../auth/tokens.ts';
import { createDurableObjectHasher } from '../hashing/durable-object-hasher.ts';
import {
  type Client,
  createLocalHasher,
  type PasswordHashing,
} from '../hashing/password-hashing.ts';
import { sendWithinLimit } from '../mail/message-limit.ts';
import { accountMail } from '../mail/messages.tsx';
import { onlyToAddresses, type SendMail, sendByCloudflare } from '../mail/send-mail.ts';
import { parseSettings, type Settings, SettingsError } from '../settings.ts';
import { authtokenQueries } from '../store/authtoken.ts';
import { knoxQueries } from '../store/knox.ts';
import { createStore, type Store } from '../store/store.ts';
import { type Bindings, hasDatabase } from './bindings.ts';
import type { HandlingOf } from './events.ts';
import {
  messageCounterOf,
  passwordAttemptsOf,
  type RateLimits,
  rateLimitsOf,
} from './rate-limits.ts';
import type { ServiceOptions } from './service-options.ts';

export type Services = {
  settings: Settings;
  store: Store;
  tokens: TokenModel;
  hashing: PasswordHashing;
  rateLimits: RateLimits;
  passwordAttempts: PasswordAttempts;
  authenticate: Authenticate;
  /** The name of the D1 binding in the host's configuration. */
  databaseBinding: string;
  /** Whether there is a binding of this name. `EMAIL` stands for the option `sendMail`, too. */
  isBound: (name: keyof Bindings) => boolean;
  /** Undefined if no e-mail can be sent. */
  mail: AccountMail | undefined;
  /** Undefined if the host adds no fields. */
  registration: OwnRegistration | undefined;
  /** Undefined if the host handles no events. */
  handlingOf: HandlingOf | undefined;
};

/**
 * The services of an environment. Hashing depends on the client, because its queue limits each.
 * Authentication depends on the request, because it may write after the response.
 */
export type ServicesOfEnv = Omit<Services, 'hashing' | 'authenticate'> & {
  hashingFor: (client: Client) => PasswordHashing;
  authenticateFor: (runAfterResponse: RunAfterResponse) => Authenticate;
};

/** The values of `TOKEN_MODEL`: queries and rules of each. */
const TOKEN_MODELS = {
  'authtoken.Token': { queries: authtokenQueries, create: authtokenModel },
  'knox.AuthToken': { queries: knoxQueries, create: knoxModel },
} as const;

/**
 * An isolate always gets the same `env`. So variables are parsed and statements prepared once, at
 * the first request.
 *
 * @returns a function that returns the services of an `env`. It throws SettingsError if a variable
 *   is invalid
 * @throws SettingsError if a setting in the options is invalid
 */
export function createServices<E extends object, Input, Output>(
  options: ServiceOptions<E, Input, Output>,
): (env: E) => ServicesOfEnv {
  // Check the options now, so that a bad one stops the deployment.
  if (options.settings) parseSettings({}, options.settings);
  const services = new WeakMap<E, ServicesOfEnv>();

  return function servicesOf(env) {
    const cached = services.get(env);
    if (cached) return cached;
    const bindings = options.bindings?.(env) ?? defaultBindings(env);
    const settings = parseSettings(bindings, options.settings);
    const { iterations } = settings;
    const model = TOKEN_MODELS[settings.tokenModel];
    const store = createStore(bindings.DB, settings, model.queries);
    const tokens = model.create(store, settings);
    const { PASSWORD_HASHER } = bindings;
    const send = options.sendMail?.(env) ?? sender(bindings);
    const created: ServicesOfEnv = {
      settings,
      store,
      tokens,
      hashingFor: PASSWORD_HASHER
        ? createDurableObjectHasher(PASSWORD_HASHER, iterations)
        : (client) => createLocalHasher(iterations, client),
      rateLimits: rateLimitsOf(bindings),
      passwordAttempts: passwordAttemptsOf(bindings),
      authenticateFor: (runAfterResponse) => (authorization) =>
        authenticate(authorization, (key) => tokens.find(key, runAfterResponse), settings),
      databaseBinding: nameOf(bindings.DB, env) ?? 'DB',
      isBound: (name) => (name === 'EMAIL' ? send : bindings[name]) !== undefined,
      mail: mailOf(send, bindings, settings),
      registration: options.registration?.on(bindings.DB),
      handlingOf: options.events?.(env),
    };
    services.set(env, created);
    return created;
  };
}

/** The key of a binding. `options.bindings` may have taken it from the environment by another name. */
const nameOf = (binding: object, env: object): string | undefined =>
  Object.entries(env).find(([, value]) => value === binding)?.[0];

const sender = ({ EMAIL }: Bindings) => EMAIL && sendByCloudflare(EMAIL);

/** @throws SettingsError if addresses must be verified and no e-mail can be sent */
function mailOf(
  send: SendMail | undefined,
  bindings: Bindings,
  { defaultFromEmail, emailVerification }: Settings,
): AccountMail | undefined {
  if (send && defaultFromEmail !== undefined) {
    const sendLimited = sendWithinLimit(onlyToAddresses(send), messageCounterOf(bindings));
    return accountMail(sendLimited, defaultFromEmail);
  }
  if (emailVerification === 'none') return undefined;
  throw new SettingsError(
    'EMAIL_VERIFICATION is "required", but no e-mail can be sent. Bind EMAIL and set DEFAULT_FROM_EMAIL.',
  );
}

function defaultBindings(env: object): Bindings {
  if (hasDatabase(env)) return env;
  throw new SettingsError(
    'DB is not bound. Bind a D1 database as DB, or pass the option `bindings` to createApp.',
  );
}
