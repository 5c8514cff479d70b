import { expect, it } from 'vitest';
import { send } from '../../helpers/client.ts';
import { withMailbox } from '../../helpers/mailbox.ts';

/** A page fits into TCP's first window of ten segments (RFC 6928), so that it needs one round trip. */
const LIMIT_BYTES = 10 * 1460;

it.each(['/', '/account', '/admin'])('%s with all its parts is small', async (path) => {
  const { bindings } = withMailbox({ EMAIL_VERIFICATION: 'required' });
  const { body } = await send(path, {}, bindings);
  const compressed = body?.pipeThrough(new CompressionStream('gzip'));
  const { byteLength } = await new Response(compressed).arrayBuffer();
  expect(byteLength).toBeGreaterThan(0);
  expect(byteLength).toBeLessThan(LIMIT_BYTES);
});
