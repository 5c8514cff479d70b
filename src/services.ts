/**
 * What an isolate makes once of its bindings: settings, store, hashing, limits and who asks. For
 * every door.
 */

import type { AppOptions } from './app-options.ts';
import { hashHere, type PasswordHashing } from './auth/passwords/password-hashing.ts';
import { type Authenticate, authenticate } from './auth/tokens.ts';
import { type Bindings, hasDatabase } from './bindings.ts';
import { hashInObjects } from './hash-in-objects.ts';
import { type Limits, limitsOf } from './limits.ts';
import { parseSettings, type Settings, SettingsError } from './settings.ts';
import { createStore, type Store } from './store/store.ts';

export type Services = {
  settings: Settings;
  store: Store;
  hashing: PasswordHashing;
  limits: Limits;
  authenticate: Authenticate;
};

/**
 * An isolate's `env` stays the same: its vars are parsed and its statements prepared once, at the
 * first request.
 *
 * @returns the services of an `env`. It throws SettingsError where a var cannot be used
 * @throws SettingsError where a setting of the options cannot be used
 */
export function createServices<E extends object>(options: AppOptions<E>): (env: E) => Services {
  // A bad option is told at the start, and stops a deployment.
  parseSettings({}, options.settings);
  const services = new WeakMap<E, Services>();

  return function servicesOf(env) {
    const known = services.get(env);
    if (known) return known;
    const bindings = options.bindings?.(env) ?? defaultBindings(env);
    const settings = parseSettings(bindings, options.settings);
    const { iterations, tokenMaxAgeDays } = settings;
    const store = createStore(bindings.DB, settings);
    const created: Services = {
      settings,
      store,
      hashing: bindings.PASSWORD_HASHER
        ? hashInObjects(bindings.PASSWORD_HASHER, iterations)
        : hashHere(iterations),
      limits: limitsOf(bindings),
      authenticate: (authorization) =>
        authenticate(authorization, store.findToken, tokenMaxAgeDays),
    };
    services.set(env, created);
    return created;
  };
}

function defaultBindings(env: object): Bindings {
  if (hasDatabase(env)) return env;
  throw new SettingsError('DB is not bound: bind a D1 database by this name, or say its own name.');
}
