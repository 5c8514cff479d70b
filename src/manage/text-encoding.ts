/**
 * The encodings that fixtures are found in. Django writes UTF-8. Windows PowerShell's `>` writes
 * UTF-16 and Python on Windows writes CP1252. No I/O.
 */

/** Encodings that the operator may state for a fixture that is not in UTF-8. */
export const STATED_ENCODINGS = ['utf-16', 'cp1252'] as const;

export type StatedEncoding = (typeof STATED_ENCODINGS)[number];

type Unicode = 'utf-8' | 'utf-16le' | 'utf-16be';

/** Why bytes are not read, and what the operator can do about it. */
export type Problem = { reason: string; advice?: string };

/** Text, and what is wrong with the bytes that follow it. */
export type Decoded = { text: string; problem?: Problem | undefined };

/** Decodes bytes that come in pieces. `undefined` ends them. */
type Decode = (bytes: Buffer | undefined) => Decoded;

const NOT_ASCII = /[^\0-\x7f]/;

/** A decoder replaces invalid bytes with it. */
const REPLACEMENT = '\uFFFD';

/** windows-1252 has no character for 81, 8D, 8F, 90 and 9D. The Encoding Standard maps them to these. */
const UNDEFINED_IN_CP1252 = /[\x80-\x9f]/;

/**
 * @param head the first bytes of the text
 * @param stated concerns files that do not say by themselves that they are in another encoding
 */
export function createDecoder(head: Buffer, stated: StatedEncoding | undefined): Decode {
  const unicode = unicodeOf(head);
  if (stated === 'cp1252' && unicode === undefined) return decodeCp1252();
  const decode = decodeUnicode(unicode ?? 'utf-8');
  return unicode?.startsWith('utf-16') && stated !== 'utf-16' ? onlyAscii(decode) : decode;
}

/**
 * The encoding by the byte order mark, or by the zeros that UTF-16 has beside the first ASCII
 * character (RFC 4627 §3). Undefined: neither.
 */
function unicodeOf([first, second, third]: Buffer): Unicode | undefined {
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first !== 0 && second === 0) return 'utf-16le';
  if (first === 0 && second !== 0 && second !== undefined) return 'utf-16be';
  return undefined;
}

/** Drops a byte order mark. */
function decodeUnicode(encoding: Unicode): Decode {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: false });
  return (bytes) => {
    try {
      return { text: bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode() };
    } catch {
      const [text = ''] = new TextDecoder(encoding).decode(bytes).split(REPLACEMENT, 1);
      return { text, problem: encoding === 'utf-8' ? NOT_UTF_8 : { reason: 'not in UTF-16' } };
    }
  };
}

const NOT_UTF_8: Problem = {
  reason: 'not in UTF-8',
  advice: 'If you know that the file is in CP1252, add --encoding cp1252.',
};

/**
 * PowerShell's `>` decodes what it writes by the code page of the console: `é` may have become `Θ`,
 * and nothing in the file shows it. ASCII is the same in all code pages.
 */
const MAYBE_CHANGED: Problem = {
  reason: 'in UTF-16, and with a letter outside of ASCII',
  advice:
    "PowerShell's `>` may have changed such letters. If they are right in the file, add --encoding utf-16.",
};

function onlyAscii(decode: Decode): Decode {
  return (bytes) => {
    const { text, problem } = decode(bytes);
    const letter = text.search(NOT_ASCII);
    return letter < 0 ? { text, problem } : { text: text.slice(0, letter), problem: MAYBE_CHANGED };
  };
}

function decodeCp1252(): Decode {
  // Without `fatal`, some releases of Node.js decode it as Latin-1 (nodejs/node#56542).
  const decoder = new TextDecoder('windows-1252', { fatal: true, ignoreBOM: false });
  const utf8 = decodeUnicode('utf-8');
  let isUtf8 = true;
  let isAscii = true;
  return (bytes) => {
    isUtf8 &&= utf8(bytes).problem === undefined;
    if (bytes === undefined) {
      return isUtf8 && !isAscii
        ? {
            text: '',
            problem: {
              reason: 'in UTF-8 and not in CP1252 up to',
              advice: 'Leave out --encoding.',
            },
          }
        : { text: '' };
    }
    const text = decoder.decode(bytes, { stream: true });
    isAscii &&= !NOT_ASCII.test(text);
    const undefinedAt = text.search(UNDEFINED_IN_CP1252);
    return undefinedAt < 0
      ? { text }
      : { text: text.slice(0, undefinedAt), problem: { reason: 'not in CP1252' } };
  };
}
