/** Why a login does not check a stored password, in words for operators. */
import { type IdentifiedPassword, PASSWORD_HASHERS } from './identify.ts';

/** Completes "Passwords stored as md5: …"; undefined if a login checks it, or if none can be right. */
export function whyNotChecked({ kind, algorithm }: IdentifiedPassword): string | undefined {
  switch (kind) {
    case 'not-listed':
      return `${hasherOf(algorithm)} is not in PASSWORD_HASHERS`;
    case 'too-expensive':
      return 'above the limits of this service';
    case 'unsupported':
      return 'cannot be checked here';
    case 'verifiable':
    case 'unusable':
    case 'malformed':
      return undefined;
  }
}

const hasherOf = (algorithm: string): string =>
  Object.entries(PASSWORD_HASHERS).find(([, each]) => each === algorithm)?.[0] ?? algorithm;
