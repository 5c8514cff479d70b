/**
 * A response that must not be cached (RFC 9111 §5.2.2.5): it has a token, personal data or a nonce, or
 * tells the present state of the service.
 */
export const NO_STORE = { 'Cache-Control': 'no-store' };
