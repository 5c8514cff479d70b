import type { Context } from 'hono';
import type { Services } from '../services/services.ts';

/** The context of every handler. If the app is mounted, `c.env` is the environment of the host. */
export type AppEnv = { Variables: Services };

export type AppContext = Context<AppEnv>;
