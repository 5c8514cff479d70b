/**
 * The elements of a JSON array, from text that comes in pieces. Says where the text is no such
 * array, without quoting it: the parser's own messages may hold a password. No I/O.
 */
import { getManyValues, isMany } from 'stream-chain/defs.js';
import { Assembler } from 'stream-json/core/assembler.js';
import { jsonParser, type Token } from 'stream-json/core/parser.js';
import { CommandError } from './command-error.ts';

/** No piece goes beyond the end of an object or a line: what breaks in it is in that one. */
const PIECES = /[^}\n]*[}\n]|[^}\n]+/g;

/** @param expected what the array should hold, for the refusal */
export function createJsonArrayParser(expected: string) {
  const parse = jsonParser({ packValues: true, streamValues: false });
  const assembler = new Assembler({ numberAsString: true });
  let at: 'before' | 'inside' | 'after' = 'before';
  let elements = 0;
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
     * @throws CommandError where the text is malformed
     */
    read(text: string): unknown[] {
      const found: unknown[] = [];
      for (const piece of text.match(PIECES) ?? []) {
        for (const token of tokensOf(piece)) {
          if (!completes(token)) continue;
          elements += 1;
          found.push(assembler.current);
        }
        if (piece.endsWith('\n')) line += 1;
      }
      return found;
    },

    /** @throws CommandError where the array is not complete */
    end(): void {
      if (at !== 'after') throw refusal('the JSON breaks off or is malformed');
    },

    /** What to throw where the text after the last that was read is no text. */
    refusal,

    /** The record that was being read, or the line where none has begun. */
    place,
  };
}
