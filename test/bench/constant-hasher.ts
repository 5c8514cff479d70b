/** The product with objects that do nothing: what is left is the work of the Worker in front of them. */
import { DurableObject } from 'cloudflare:workers';
import type { Verification } from '../../src/hashing/hashers.ts';
import { ok } from '../../src/lib/result.ts';

export { default } from '../../src/index.ts';

export class PasswordHasher extends DurableObject {
  makePassword() {
    return ok(
      'pbkdf2_sha256$600000$SALTsaltSALTsaltSALTsa$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    );
  }

  verifyPassword() {
    return ok<Verification>({ isCorrect: true, mustUpdate: false });
  }
}
