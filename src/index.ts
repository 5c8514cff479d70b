/** The Worker's entry: HTTP by default, and RPC for other Workers. */
import { createApp } from './app.ts';

export type { AppType } from './app.ts';
export { AuthEntrypoint } from './rpc/auth-entrypoint.ts';

export default createApp();
