import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import { fail } from './failure.ts';

/** A registration needs 30 KB at the very most: 4,096 characters of password, escaped in JSON. */
const MAX_BODY_BYTES = 64 * 1024;

const limitLength = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: (c) => fail(c, { kind: 'body-too-large' }),
});

/** Refuses a body that is too large, and one that the client did not send completely. */
export const limitBody = createMiddleware(async function limitBody(c, next) {
  let isRead = false;
  try {
    return await limitLength(c, () => {
      isRead = true;
      return next();
    });
  } catch (error) {
    // hono/body-limit reads a body without `Content-Length`. Later errors are not of reading it.
    if (isRead) throw error;
    return fail(c, { kind: 'parse-error', reason: 'incomplete' });
  }
});
