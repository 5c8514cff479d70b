/**
 * The Worker's entry: HTTP by default, RPC for other Workers, and the object that hashes passwords.
 */
import { createApp } from './app.ts';
import { authEntrypoint } from './rpc/auth-entrypoint.ts';

export type { AppType } from './client/api.ts';
export { PasswordHasher } from './rpc/password-hasher.ts';

const app = createApp();

export const AuthEntrypoint = authEntrypoint(app);

export default app;
