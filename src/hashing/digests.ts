/**
 * One round of MD5 or SHA-1, as Django stored passwords long ago and as settings for tests still do
 * (`MD5PasswordHasher`, `SHA1PasswordHasher` and their unsalted forms):
 *
 *     md5$<salt>$<hexadecimal>       sha1$<salt>$<hexadecimal>
 *     <hexadecimal MD5>              md5$$<hexadecimal>             sha1$$<hexadecimal>
 */
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Decoded, type Refused, utf8 } from './decoded.ts';

/** Each form has groups for what comes before the digest, and for the salt. */
const DIGESTS = {
  md5: { digest: md5, form: /^(md5\$([^$]+)\$)[0-9a-f]{32}$/ },
  sha1: { digest: sha1, form: /^(sha1\$([^$]+)\$)[0-9a-f]{40}$/ },
  unsalted_md5: { digest: md5, form: /^((?:md5\$\$)?)[0-9a-f]{32}$/ },
  unsalted_sha1: { digest: sha1, form: /^(sha1\$\$)[0-9a-f]{40}$/ },
};

export function decodeDigest(encoded: string, algorithm: keyof typeof DIGESTS): Decoded | Refused {
  const { digest, form } = DIGESTS[algorithm];
  const [, prefix, salt = ''] = form.exec(encoded) ?? [];
  if (prefix === undefined) return 'malformed';
  return {
    encode: async (password) => prefix + bytesToHex(digest(utf8(salt + password))),
    mustUpdate: true,
    time: () => 0,
  };
}
