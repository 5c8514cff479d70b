/**
 * What an isolate makes once of its bindings: settings, store, hashing and who asks. For every
 * door.
 */
import { hashHere, type PasswordHashing } from './auth/passwords/password-hashing.ts';
import { type Authenticate, authenticate } from './auth/tokens.ts';
import { hashInObjects } from './hash-in-objects.ts';
import { parseSettings, type Settings } from './settings.ts';
import { createStore, type Store } from './store/store.ts';

/**
 * Bindings that may be left out of wrangler.toml. Without the limits nothing is throttled. Without
 * `PASSWORD_HASHER` passwords are hashed in the isolate that answers.
 */
type OptionalBindings =
  | 'LOGIN_LIMIT'
  | 'LOGIN_ADDRESS_LIMIT'
  | 'REGISTER_LIMIT'
  | 'PASSWORD_HASHER';

export type Bindings = Omit<Env, OptionalBindings> & Partial<Pick<Env, OptionalBindings>>;

export type Services = {
  settings: Settings;
  store: Store;
  hashing: PasswordHashing;
  authenticate: Authenticate;
};

/** An isolate's `env` stays the same: its vars are parsed and its statements prepared once. */
const services = new WeakMap<Bindings, Services>();

/** @throws SettingsError where a var cannot be used */
export function servicesOf(env: Bindings): Services {
  const known = services.get(env);
  if (known) return known;
  const settings = parseSettings(env);
  const { iterations, tokenMaxAgeDays } = settings;
  const store = createStore(env.DB, settings);
  const created: Services = {
    settings,
    store,
    hashing: env.PASSWORD_HASHER
      ? hashInObjects(env.PASSWORD_HASHER, iterations)
      : hashHere(iterations),
    authenticate: (authorization) => authenticate(authorization, store.findToken, tokenMaxAgeDays),
  };
  services.set(env, created);
  return created;
}
