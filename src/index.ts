/**
 * The entry of the Worker: HTTP (the default export), the RPC entrypoint for other Workers, and the
 * Durable Object classes.
 */
import { createApp } from './app.ts';
import { admin } from './http/routes/admin/routes.ts';
import { authEntrypoint } from './rpc/auth-entrypoint.ts';

export type { AppType } from './client/api.ts';
export { PasswordHasher } from './hashing/password-hasher.ts';
export { RateLimitCounter } from './services/rate-limit-counter.ts';

const app = createApp({ admin });

export const AuthEntrypoint = authEntrypoint(app);

export default app;
