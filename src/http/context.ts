import type { Context } from 'hono';
import type { Services } from '../services/services.ts';

/** The variables of every handler's context. `c.env` may be the environment of another Worker. */
export type AppEnv = { Variables: Services };

export type AppContext = Context<AppEnv>;
