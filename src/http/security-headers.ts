import { secureHeaders } from 'hono/secure-headers';

/** Two years, what browsers' preload lists ask for (hstspreload.org). Ignored over plain http. */
const HSTS_MAX_AGE_SECONDS = 63_072_000;

/**
 * Headers for an API that answers JSON to scripts and is no page: nothing of it is to be rendered, framed,
 * sniffed or named as a referrer. Those that speak of pages alone are left out.
 */
export const hardeningHeaders = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  strictTransportSecurity: `max-age=${HSTS_MAX_AGE_SECONDS}`,
  xFrameOptions: 'DENY',
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});
