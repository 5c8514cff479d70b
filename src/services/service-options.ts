import type { SendMail } from '../mail/send-mail.ts';
import type { Settings } from '../settings.ts';
import type { Bindings } from './bindings.ts';

export type ServiceOptions<E extends object> = {
  /**
   * Maps your Worker's bindings and variables to those of this app, such as
   * `(env) => ({ DB: env.AUTH_DB })`. By default they have the names in this app's wrangler.toml.
   */
  bindings?: (env: E) => Bindings;
  /** Each setting overrides its variable. */
  settings?: Partial<Settings>;
  /** Sends e-mails instead of Cloudflare's `EMAIL` binding. */
  sendMail?: (env: E) => SendMail;
};
