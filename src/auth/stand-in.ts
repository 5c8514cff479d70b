/**
 * Stand-ins: the password of an unknown name is verified against the hash of a stored user, drawn by
 * a keyed hash of the name. So unknown names take each time that known names take, and as often.
 *
 * A name keeps its stand-in from one request to the next. If its time changed, it would be unknown.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { getRandomString } from '../hashing/random-string.ts';

/** Separates this use of `SECRET_KEY` from others (Django's `salted_hmac`). */
const KEY_SALT = 'edge-authtoken.auth.stand-in';

/** Characters, of which each carries 5.95 bits. */
const RANDOM_KEY_LENGTH = 50;

/** Bytes of the seed of a draw. A SHA-256 digest has enough of them for eight draws. */
const SEED_LENGTH = 4;

/** Ids of Django's AutoField end at 2^31 - 1. */
const MAX_PLACES = 2 ** 31;

/**
 * Draws the stand-in of a name. Only the database knows how many ids there are, so a draw is a list
 * of places, counted from the lowest id. The last place that is not above the highest id counts.
 *
 * @param secretKey if undefined, each isolate draws by a random key of its own
 * @returns eight draws, the first one first, because no user may have the id of a place
 */
export function drawStandIn(username: string, secretKey: string | undefined): number[][] {
  const key = sha256(utf8ToBytes(KEY_SALT + (secretKey ?? randomKey())));
  const { buffer, byteOffset, byteLength } = hmac(sha256, key, utf8ToBytes(username));
  const seeds = new DataView(buffer, byteOffset, byteLength);
  return Array.from({ length: byteLength / SEED_LENGTH }, (_, i) =>
    places(BigInt(seeds.getUint32(i * SEED_LENGTH))),
  );
}

/**
 * Jump consistent hash (Lamping and Veach, 2014, arXiv 1406.2294). Of N places each is equally
 * likely. An added place takes one in N keys, and no key moves between the others.
 *
 * @param seed the key, 64 bits
 * @returns all places of the key, in ascending order: of N places, it has the last one below N
 */
export function places(seed: bigint): number[] {
  const jumps: number[] = [];
  let state = seed;
  for (let place = 0; place < MAX_PLACES; ) {
    jumps.push(place);
    state = BigInt.asUintN(64, state * 2_862_933_555_777_941_757n + 1n);
    place = Math.floor((place + 1) * (MAX_PLACES / (Number(state >> 33n) + 1)));
  }
  return jumps;
}

let drawnKey: string | undefined;

/** Drawn at the first use, because a Worker has no randomness outside of requests. */
function randomKey(): string {
  drawnKey ??= getRandomString(RANDOM_KEY_LENGTH);
  return drawnKey;
}
