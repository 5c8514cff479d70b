import type { SendMail } from '../mail/send-mail.ts';
import type { Settings } from '../settings.ts';
import type { Bindings } from './bindings.ts';

export type AppOptions<E extends object> = {
  /**
   * Where the bindings and vars of this app are in your Worker's, such as
   * `(env) => ({ DB: env.AUTH_DB })`. Without it they have the names of this app's wrangler.toml.
   */
  bindings?: (env: E) => Bindings;
  /** Each wins over the var it stands for. */
  settings?: Partial<Settings>;
  /** Carries e-mails in the place of Cloudflare's `EMAIL` binding. */
  sendMail?: (env: E) => SendMail;
};
