/**
 * Parses a JSON array, or JSON Lines, from text that comes in pieces, in bounded memory. An error
 * names the place and quotes nothing: the parser's own messages may hold a password. No I/O.
 */
import { getManyValues, isMany } from 'stream-chain/defs.js';
import { Assembler } from 'stream-json/core/assembler.js';
import { jsonParser, type Token } from 'stream-json/core/parser.js';
import { number } from '../lib/format-number.ts';
import { CommandError } from './command-error.ts';
import { expected, notAFixture } from './not-a-fixture.ts';
import type { Problem } from './text-encoding.ts';
import type { UserModel } from './user-model.ts';

/**
 * UTF-16 units of one record. The elements of an array cost up to 50 bytes of memory for each
 * character of JSON (`[0],`), and `manage` runs with a heap of 112 MB. A user takes a thousand.
 */
const MAX_RECORD_LENGTH = 1_000_000;

/** Objects and arrays within each other. Python's json.loads stops at about as many. */
const MAX_DEPTH = 1000;

/** No piece goes beyond the end of an object or a line: what breaks in it is in that one. */
const PIECES = /[^}\n]*[}\n]|[^}\n]+/g;

/** UTF-16 units at the start of a text, without white space, that say what it is. */
const HEAD_LENGTH = 1000;

const MALFORMED: Problem = { reason: 'the JSON breaks off or is malformed' };
const TEXT_AFTER: Problem = {
  reason: 'there is text after the closing bracket',
  advice: 'Several files can be imported by naming each of them.',
};
const TOO_DEEP: Problem = {
  reason: `more than ${number(MAX_DEPTH)} objects and arrays within each other`,
};
const TOO_LONG: Problem = {
  reason: `more than ${number(MAX_RECORD_LENGTH)} characters in one record`,
};

/** @param model for the hints of refusals */
export function createJsonRecordsParser(model: UserModel) {
  // One value after another, as JSON Lines have them.
  const parse = jsonParser({ packValues: true, streamValues: false, jsonStreaming: true });
  const assembler = new Assembler({ numberAsString: true });
  let at: 'before' | 'array' | 'lines' | 'after' = 'before';
  let head = '';
  /** The last character that is no white space. The parser may not have looked at it yet. */
  let last = '';
  let records = 0;
  /** The length of the record that is being read. */
  let length = 0;
  let line = 1;

  const refusal = ({ reason, advice }: Problem): CommandError => {
    const place = at === 'array' || at === 'lines' ? `record ${records + 1}: ` : '';
    const hint = advice === undefined ? '' : `. ${advice}`;
    return new CommandError(`${place}${reason} here, near line ${line}; ${expected(model)}${hint}`);
  };

  /** Names what the text is, if no record starts with it. */
  const refusalAtStart = (problem: Problem): CommandError =>
    (records === 0 ? notAFixture(head, model) : undefined) ?? refusal(problem);

  const malformed = (): CommandError =>
    at === 'after' ? refusal(TEXT_AFTER) : refusalAtStart(MALFORMED);

  function tokensOf(piece: string): Token[] {
    try {
      const tokens = parse(piece);
      return isMany(tokens) ? getManyValues(tokens) : [];
    } catch {
      throw malformed();
    }
  }

  /** @returns whether a record is complete, which the assembler then has */
  function completes(token: Token): boolean {
    const isBetween = at !== 'before' && assembler.done;
    if (at === 'before' && token.name === 'startArray') {
      at = 'array';
      return false;
    }
    if (at === 'before' && token.name === 'startObject') at = 'lines';
    else if (at === 'before' || at === 'after') throw malformed();
    else if (at === 'lines' && isBetween && token.name !== 'startObject') throw malformed();
    else if (at === 'array' && isBetween && token.name === 'endArray') {
      at = 'after';
      return false;
    }
    return assembler.consume(token).done;
  }

  return {
    /**
     * The records that this text completes, numbers as text.
     *
     * @throws CommandError if the text is malformed, or a record is too large or too deep
     */
    read(text: string): unknown[] {
      const found: unknown[] = [];
      if (head.length < HEAD_LENGTH) head = (head + text).trimStart().slice(0, HEAD_LENGTH);
      last = text.trimEnd().at(-1) ?? last;
      for (const piece of text.match(PIECES) ?? []) {
        length += piece.length;
        for (const token of tokensOf(piece)) {
          if (completes(token)) {
            records += 1;
            length = 0;
            found.push(assembler.current);
          } else if (assembler.depth > MAX_DEPTH) {
            throw refusal(TOO_DEEP);
          }
        }
        if (length > MAX_RECORD_LENGTH) throw refusalAtStart(TOO_LONG);
        if (piece.endsWith('\n')) line += 1;
      }
      return found;
    },

    /** @throws CommandError if the array or the last line is not complete */
    end(): void {
      const isComplete =
        at === 'lines' ? assembler.done && last === '}' : at === 'after' && last === ']';
      if (!isComplete) throw malformed();
    },

    /** The error to throw if no text can be read from here on. */
    refusal,
  };
}
