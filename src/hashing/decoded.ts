/** The common parts of the formats of stored passwords. */

/** A parsed stored password. Its cost is within the limits, so `encode` may run. */
export type Decoded = {
  /** Encodes another password with the same parameters. */
  encode: (password: string) => Promise<string>;
  /**
   * Whether a login with the correct password replaces it. True for every other algorithm than the
   * one of new hashes (Django: `hasher_changed or preferred.must_update(encoded)`).
   */
  mustUpdate: boolean;
  /** The time that `encode` took, in native iterations of PBKDF2. It may be lower than the real one. */
  time: () => number;
};

/**
 * - `malformed`: no password matches, in Django too
 * - `too-expensive`: Django might check it. Here it is refused before any work
 */
export type Refused = 'malformed' | 'too-expensive';

/** Parses a decimal integer from 1 on. Anything else becomes NaN, which fails every comparison. */
export const parseCost = (text: string | undefined): number =>
  text && /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
