import type { MiddlewareHandler } from 'hono';
import { NONCE, secureHeaders } from 'hono/secure-headers';

/** Two years, as hstspreload.org recommends. */
const HSTS_MAX_AGE_SECONDS = 63_072_000;

/** The options for the responses of the API and for the pages. */
const COMMON_OPTIONS = {
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  removePoweredBy: false,
} as const;

const NONE = ["'none'"];

/** `secureHeaders`, with HSTS over https only (RFC 6797 §7.2; Django's SecurityMiddleware). */
function secureHeadersByScheme(options: Parameters<typeof secureHeaders>[0]): MiddlewareHandler {
  const strictTransportSecurity = `max-age=${HSTS_MAX_AGE_SECONDS}`;
  const overHttps = secureHeaders({ ...options, strictTransportSecurity });
  const overHttp = secureHeaders({ ...options, strictTransportSecurity: false });
  return (c, next) => (c.req.url.startsWith('https:') ? overHttps : overHttp)(c, next);
}

/**
 * Headers for an API that sends JSON to scripts. No browser should render, frame or sniff its
 * responses (OWASP REST Security Cheat Sheet, Security Headers). Headers that only pages need are
 * omitted, because each header costs CPU time per request. X-Frame-Options is omitted because
 * `frame-ancestors` replaces it (CSP Level 2 §7.7.1).
 */
export const hardeningHeaders = secureHeadersByScheme({
  ...COMMON_OPTIONS,
  xFrameOptions: false,
  referrerPolicy: false,
  crossOriginResourcePolicy: false,
  contentSecurityPolicy: { defaultSrc: NONE, frameAncestors: NONE },
});

/**
 * Headers for the pages. A page may use its own script and style with the nonce of the response
 * (`c.var.secureHeadersNonce`), its icon, and requests to this origin. Its script sends its forms.
 *
 * Use this before `hardeningHeaders`: the first middleware sets its headers last.
 */
export const pageHeaders = secureHeadersByScheme({
  ...COMMON_OPTIONS,
  xFrameOptions: 'DENY',
  contentSecurityPolicy: {
    defaultSrc: NONE,
    scriptSrc: [NONCE],
    styleSrc: [NONCE],
    imgSrc: ['data:'],
    connectSrc: ["'self'"],
    baseUri: NONE,
    formAction: NONE,
    frameAncestors: NONE,
    requireTrustedTypesFor: ["'script'"],
  },
});
