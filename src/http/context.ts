import type { Context, Input } from 'hono';
import type { BlankInput } from 'hono/types';
import type { GenericSchema, InferInput } from 'valibot';
import type { Bindings, Services } from '../services.ts';

/** What every handler of this Worker finds on its context. */
export type AppEnv = { Bindings: Bindings; Variables: Services };

export type AppContext<I extends Input = BlankInput> = Context<AppEnv, string, I>;

/** A body that a route takes: what a typed client must send (`hc<AppType>`). */
export type Body<TSchema extends GenericSchema> = { in: { json: InferInput<TSchema> } };
