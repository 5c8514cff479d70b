import type { Context } from 'hono';

/**
 * The client's IP address. Cloudflare alone sets this header; `X-Forwarded-For` is whatever the
 * client says. Undefined off Cloudflare.
 */
export const clientAddress = ({ req }: Pick<Context, 'req'>): string | undefined =>
  req.header('CF-Connecting-IP');
