/**
 * The Worker's entry: HTTP by default, RPC for other Workers, and the object that hashes passwords.
 */
import { createApp } from './app.ts';

export type { AppType } from './app.ts';
export { AuthEntrypoint } from './rpc/auth-entrypoint.ts';
export { PasswordHasher } from './rpc/password-hasher.ts';

export default createApp();
