/**
 * Stand-ins: the password of an unknown name is verified against the hash of a stored user. A keyed
 * hash of the name selects that user. So response times of unknown and known names have the same
 * distribution.
 *
 * A name keeps its stand-in from one request to the next. If its response time changed, an attacker
 * could conclude that the name is unknown.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { getRandomString } from '../hashing/random-string.ts';

/** Separates this use of `SECRET_KEY` from others (Django's `salted_hmac`). */
const KEY_SALT = 'edge-authtoken.auth.stand-in';

/** Characters of 5.95 bits each. */
const RANDOM_KEY_LENGTH = 50;

/** Bytes of the seed of a draw. A SHA-256 digest has enough bytes for eight draws. */
const SEED_LENGTH = 4;

/** The highest id of Django's AutoField is 2^31 - 1. */
const MAX_PLACES = 2 ** 31;

/**
 * Draws the stand-in of a name. Only the database knows the range of ids, so a draw is a list of
 * places, counted from the lowest id. The last place that is not above the highest id is used.
 *
 * @param secretKey if undefined, each isolate draws with its own random key
 * @returns eight draws in the order of use. Several are needed, because the id of a place may have
 *   no user
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
 * Jump consistent hash (Lamping and Veach, 2014, arXiv 1406.2294). All of N places are equally
 * likely. A new place gets one in N keys; the other keys keep their places.
 *
 * @param seed the key, 64 bits
 * @returns the places of the key for all N, in ascending order. Its place for N is the last below N
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

/** Drawn at the first use, because a Worker has no random numbers outside of requests. */
function randomKey(): string {
  drawnKey ??= getRandomString(RANDOM_KEY_LENGTH);
  return drawnKey;
}
