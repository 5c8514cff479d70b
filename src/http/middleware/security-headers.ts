import type { MiddlewareHandler } from 'hono';
import { NONCE, secureHeaders } from 'hono/secure-headers';

/** Two years, what browsers' preload lists ask for (hstspreload.org). */
const HSTS_MAX_AGE_SECONDS = 63_072_000;

/** What the API's answers and the page have in common. */
const EVERYWHERE = {
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  removePoweredBy: false,
} as const;

const NOBODY = ["'none'"];

/** `secureHeaders`, with HSTS over https alone (RFC 6797 §7.2; Django's SecurityMiddleware). */
function secureHeadersByScheme(options: Parameters<typeof secureHeaders>[0]): MiddlewareHandler {
  const strictTransportSecurity = `max-age=${HSTS_MAX_AGE_SECONDS}`;
  const overHttps = secureHeaders({ ...options, strictTransportSecurity });
  const overHttp = secureHeaders({ ...options, strictTransportSecurity: false });
  return (c, next) => (c.req.url.startsWith('https:') ? overHttps : overHttp)(c, next);
}

/**
 * Headers for an API that answers JSON to scripts. Nobody should render, frame or sniff its answers
 * (OWASP REST Security Cheat Sheet, Security Headers). Headers that matter to pages alone are left
 * out, since each header costs CPU with each request. So is X-Frame-Options, which
 * `frame-ancestors` has made obsolete (CSP Level 2 §7.7.1).
 */
export const hardeningHeaders = secureHeadersByScheme({
  ...EVERYWHERE,
  xFrameOptions: false,
  referrerPolicy: false,
  crossOriginResourcePolicy: false,
  contentSecurityPolicy: { defaultSrc: NOBODY, frameAncestors: NOBODY },
});

/**
 * Headers for the one page. It may use its script and style, each with the nonce of this answer
 * (`c.var.secureHeadersNonce`), its icon, and requests to this origin. Its script sends its forms.
 * Use it before `hardeningHeaders`: what comes first sets its headers last.
 */
export const pageHeaders = secureHeadersByScheme({
  ...EVERYWHERE,
  xFrameOptions: 'DENY',
  contentSecurityPolicy: {
    defaultSrc: NOBODY,
    scriptSrc: [NONCE],
    styleSrc: [NONCE],
    imgSrc: ['data:'],
    connectSrc: ["'self'"],
    baseUri: NOBODY,
    formAction: NOBODY,
    frameAncestors: NOBODY,
    requireTrustedTypesFor: ["'script'"],
  },
});
