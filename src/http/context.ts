import type { Context, Input } from 'hono';
import type { BlankInput } from 'hono/types';
import type { GenericSchema, InferInput } from 'valibot';
import type { Services } from '../services/services.ts';

/**
 * What every handler finds on its context. `c.env` may be another Worker's, with names of its own.
 */
export type AppEnv = { Variables: Services };

export type AppContext<I extends Input = BlankInput> = Context<AppEnv, string, I>;

/** A body that a route takes: what a typed client must send (`hc<AppType>`). */
export type Body<TSchema extends GenericSchema> = { in: { json: InferInput<TSchema> } };
