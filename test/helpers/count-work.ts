/**
 * Counts the work on texts, so that a test can check its growth without a clock: the
 * characters that the methods of `String` and regular expressions process.
 *
 * The steps of a regular expression cannot be counted. Instead, its source is checked: on a long
 * text it must have a form that needs a bounded number of steps per character (`LINEAR`).
 */

/** UTF-16 units. The work on a shorter text is bounded. */
const LONG = 1024;

/** One character: a class, an escape or the character itself. */
const ATOM = String.raw`(?:\\p\{\w+\}|\\.|\[(?:\\.|[^\]\\])+\]|[^\\[\](){}|*+?.^$])`;
const FIXED = String.raw`(?:${ATOM}(?:\{\d+\})?)*`;
const BOUNDED = String.raw`(?:(?:\(\?<\w+>)?${ATOM}\{\d+,\d{1,3}\}\)?)?`;

/**
 * A pattern with at most one repetition, and nothing after it that could cause backtracking:
 * at the start of the text (`^…`), or with nothing after the repetition.
 */
const LINEAR = new RegExp(
  String.raw`^(?:\^${BOUNDED}${FIXED}(?:${ATOM}[*+])?\$?|${FIXED}(?:${ATOM}[*+])?)$`,
);

/** Methods whose work does not depend on the length of the text. */
const CONSTANT = ['at', 'charAt', 'charCodeAt', 'codePointAt', 'slice', 'substring', 'substr'];

export type Work = {
  /** Processed characters. */
  characters: number;
  /** Regular expressions without a linear form that ran on long texts. */
  superlinear: Set<string>;
  /** UTF-16 units of the longest text normalized to NFKC, which can take quadratic time. */
  longestNormalized: number;
};

/** Runs a function and counts its work. No other code may run at the same time. */
export async function countWork(run: () => Promise<unknown>): Promise<Work> {
  const work: Work = { characters: 0, superlinear: new Set(), longestNormalized: 0 };
  const restore = [countRegExps(work), ...countMethods(work)];
  try {
    await run();
  } finally {
    for (const undo of restore) undo();
  }
  return work;
}

/** Each method of `RegExp` and `String` that takes a pattern calls a replaced `exec`. */
function countRegExps(work: Work) {
  return replace(RegExp.prototype, 'exec', (exec: RegExp['exec']) => {
    return function count(this: RegExp, text: string) {
      const source = `${this.source}`;
      const { length } = String(text);
      if (length > LONG && !LINEAR.test(source)) work.superlinear.add(source);
      work.characters += this.sticky ? 1 : length - (this.global ? this.lastIndex : 0);
      return exec.call(this, text);
    };
  });
}

function countMethods(work: Work) {
  const names = Reflect.ownKeys(String.prototype).filter(
    (name) => name !== 'constructor' && typeof Reflect.get(String.prototype, name) === 'function',
  );
  return names.map((name) =>
    replace(String.prototype, name, (method: (...args: unknown[]) => unknown) => {
      const isConstant = CONSTANT.includes(String(name));
      return function count(this: string, ...args: unknown[]) {
        work.characters += isConstant ? 1 : this.length;
        if (name === 'normalize') {
          work.longestNormalized = Math.max(work.longestNormalized, this.length);
        }
        return method.apply(this, args);
      };
    }),
  );
}

/** @returns a function that restores the method */
function replace<T extends object, M>(target: T, name: PropertyKey, wrap: (method: M) => unknown) {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  if (!descriptor) throw new Error(`There is no ${String(name)}.`);
  Object.defineProperty(target, name, { ...descriptor, value: wrap(descriptor.value) });
  return () => Object.defineProperty(target, name, descriptor);
}
