import type { AppContext } from './context.ts';

/**
 * The client's IP address. Cloudflare alone sets this header; `X-Forwarded-For` is whatever the
 * client says. Undefined off Cloudflare.
 */
export const clientAddress = (c: AppContext): string | undefined =>
  c.req.header('CF-Connecting-IP');
