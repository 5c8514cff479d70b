import type { Context } from 'hono';
import type { Settings } from '../settings.ts';
import type { Store } from '../store/store.ts';

/** What every handler of this Worker finds on its context. */
export type AppEnv = {
  Bindings: Env;
  Variables: { settings: Settings; store: Store };
};

export type AppContext = Context<AppEnv>;
