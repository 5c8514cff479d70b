/**
 * Asks Have I Been Pwned whether a password is known from a data breach. Only the first five of the
 * 40 hexadecimal digits of its SHA-1 are sent (k-anonymity,
 * haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange).
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { log } from '../lib/log.ts';

const RANGE_URL = 'https://api.pwnedpasswords.com/range/';

const PREFIX_LENGTH = 5;

/** A registration waits for the response. pwned-passwords-django has the same timeout. */
const TIMEOUT_MS = 1000;

const HEADERS = {
  // Adds entries of count 0, so that the length of a response does not reveal the prefix.
  'Add-Padding': 'true',
  // The service refuses requests without this header.
  'User-Agent': 'edge-authtoken',
};

/** The other 35 digits of a digest, and how often the password was found in breaches. */
const ENTRY = /^(?<suffix>[0-9A-F]{35}):(?<count>\d+)$/;

/**
 * @param rangeUrl the URL of the service, without the five digits
 * @returns whether the password is known; false if the service fails, which is logged
 */
export async function isPwned(password: string, rangeUrl = RANGE_URL): Promise<boolean> {
  const digest = bytesToHex(sha1(utf8ToBytes(password))).toUpperCase();
  const [prefix, suffix] = [digest.slice(0, PREFIX_LENGTH), digest.slice(PREFIX_LENGTH)];
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(rangeUrl + prefix, { headers: HEADERS, signal });
    if (!response.ok) return unavailable(`status ${response.status}`);
    const entries = (await response.text()).trim().split(/\r?\n/);
    const range = entries.map((entry) => ENTRY.exec(entry)?.groups);
    if (range.includes(undefined)) return unavailable('not a list of digests');
    return range.some((entry) => entry?.suffix === suffix && Number(entry?.count) > 0);
  } catch (error) {
    // Do not log the error's message: it may contain the URL and so the five digits.
    return unavailable(error instanceof Error ? error.name : 'unknown');
  }
}

function unavailable(reason: string): false {
  log('warn', { event: 'pwned-passwords-unavailable', reason });
  return false;
}
