/**
 * Parses a JSON array from text that comes in pieces, in bounded memory. An error names the place
 * and quotes nothing: the parser's own messages may hold a password. No I/O.
 */
import { getManyValues, isMany } from 'stream-chain/defs.js';
import { Assembler } from 'stream-json/core/assembler.js';
import { jsonParser, type Token } from 'stream-json/core/parser.js';
import { CommandError } from './command-error.ts';
import { number } from './terminal.ts';

/**
 * UTF-16 units of one element. The elements of an array cost up to 50 bytes of memory for each
 * character of JSON (`[0],`), and `manage` runs with a heap of 112 MB. A user takes a thousand.
 */
const MAX_ELEMENT_LENGTH = 1_000_000;

/** Objects and arrays within each other. Python's json.loads stops at about as many. */
const MAX_DEPTH = 1000;

/** No piece goes beyond the end of an object or a line: what breaks in it is in that one. */
const PIECES = /[^}\n]*[}\n]|[^}\n]+/g;

/** @param expected what the array should hold, for the refusal */
export function createJsonArrayParser(expected: string) {
  const parse = jsonParser({ packValues: true, streamValues: false });
  const assembler = new Assembler({ numberAsString: true });
  let at: 'before' | 'inside' | 'after' = 'before';
  let elements = 0;
  /** The length of the element that is being read. */
  let length = 0;
  let line = 1;

  const refusal = (reason: string): CommandError =>
    new CommandError(
      at === 'before'
        ? `line ${line}: not a JSON array of records, in UTF-8, nor an SQLite file; ${expected}`
        : `${place()}: ${reason} here, near line ${line}; ${expected}`,
    );

  const place = (): string => (at === 'before' ? `line ${line}` : `record ${elements + 1}`);

  function tokensOf(piece: string): Token[] {
    try {
      const tokens = parse(piece);
      return isMany(tokens) ? getManyValues(tokens) : [];
    } catch {
      throw refusal('the JSON breaks off or is malformed');
    }
  }

  /** @returns whether an element is complete, which the assembler then has */
  function completes(token: Token): boolean {
    if (at === 'before') {
      if (token.name !== 'startArray') throw refusal('');
      at = 'inside';
      return false;
    }
    if (assembler.done && token.name === 'endArray') {
      at = 'after';
      return false;
    }
    return assembler.consume(token).done;
  }

  return {
    /**
     * The elements that this text completes, numbers as text.
     *
     * @throws CommandError if the text is malformed, or an element is too large or too deep
     */
    read(text: string): unknown[] {
      const found: unknown[] = [];
      for (const piece of text.match(PIECES) ?? []) {
        length += piece.length;
        for (const token of tokensOf(piece)) {
          if (completes(token)) {
            elements += 1;
            length = 0;
            found.push(assembler.current);
          } else if (assembler.depth > MAX_DEPTH) {
            throw refusal(`more than ${number(MAX_DEPTH)} objects and arrays within each other`);
          }
        }
        if (length > MAX_ELEMENT_LENGTH) {
          throw refusal(`more than ${number(MAX_ELEMENT_LENGTH)} characters in one record`);
        }
        if (piece.endsWith('\n')) line += 1;
      }
      return found;
    },

    /** @throws CommandError if the array is not complete */
    end(): void {
      if (at !== 'after') throw refusal('the JSON breaks off or is malformed');
    },

    /** The error to throw if the next bytes are not valid text. */
    refusal,

    /** The record that was being read, or the line if none has started. */
    place,
  };
}
