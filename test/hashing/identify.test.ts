import { expect, it } from 'vitest';
import { identifyPassword } from '../../src/hashing/identify.ts';

it.each([
  ['pbkdf2_sha256$1000$salt$hash', 'verifiable', 'pbkdf2_sha256', 1000],
  ['pbkdf2_sha1$1000$salt$hash', 'verifiable', 'pbkdf2_sha1', 1000],
  ['scrypt$16384$salt$8$1$hash', 'verifiable', 'scrypt', undefined],
  ['pbkdf2_sha256$10000001$salt$hash', 'unsupported', 'pbkdf2_sha256', 10_000_001],
  ['pbkdf2_sha1$2000001$salt$hash', 'unsupported', 'pbkdf2_sha1', 2_000_001],
  ['scrypt$16384$salt$8$5$hash', 'verifiable', 'scrypt', undefined],
  ['scrypt$65536$salt$8$1$hash', 'unsupported', 'scrypt', undefined],
  ['scrypt$32768$salt$8$11$hash', 'unsupported', 'scrypt', undefined],
  ['pbkdf2_sha256$1000$salt$hash$more', 'malformed', 'pbkdf2_sha256', undefined],
  ['pbkdf2_sha256$1000$salt', 'malformed', 'pbkdf2_sha256', undefined],
  ['pbkdf2_sha256$many$salt$hash', 'malformed', 'pbkdf2_sha256', undefined],
  ['pbkdf2_sha256$1000$$hash', 'malformed', 'pbkdf2_sha256', undefined],
  ['argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA', 'unsupported', 'argon2', undefined],
  ['bcrypt$$2b$12$abcdefghijklmnopqrstuv', 'unsupported', 'bcrypt', undefined],
  ['d41d8cd98f00b204e9800998ecf8427e', 'unsupported', 'unsalted_md5', undefined],
  ['md5$$d41d8cd98f00b204e9800998ecf8427e', 'unsupported', 'unsalted_md5', undefined],
  [`sha1$$${'0'.repeat(40)}`, 'unsupported', 'unsalted_sha1', undefined],
  ['md5$salt$d41d8cd98f00b204e9800998ecf8427e', 'unsupported', 'md5', undefined],
  ['!pbkdf2_sha256$1000$salt$hash', 'unusable', '', undefined],
  ['argon2', 'malformed', '', undefined],
  ['gibberish', 'malformed', '', undefined],
  ['', 'malformed', '', undefined],
])('identifies %j as %s', (encoded, kind, algorithm, iterations) => {
  const identified = identifyPassword(encoded);
  expect({ iterations: undefined, ...identified }).toEqual({ kind, algorithm, iterations });
});
