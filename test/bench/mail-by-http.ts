/** The product, with an external mail service instead of the `EMAIL` binding. */
import { createApp } from '../../src/app.ts';
import type { Bindings } from '../../src/services/bindings.ts';
import { sendByHttp } from '../fixtures/send-by-http.ts';

export { PasswordHasher } from '../../src/index.ts';

export default createApp<Bindings & { MAIL_URL: string; MAIL_KEY: string }>({
  sendMail: sendByHttp,
});
