import { spawn } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { endedByInterrupt, note, print, startProgress, warn } from '../../src/manage/terminal.ts';

const written = { stdout: '', stderr: '' };

function captureOutput(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    written[name] = '';
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += text;
      return true;
    });
  }
}

test.each([
  ['an escape sequence', 'a\x1b[2Jb', 'a\\u{1b}[2Jb'],
  ['a line break', 'a\nOK b', 'a\\u{a}OK b'],
  ['a C1 control', 'a\x9bb', 'a\\u{9b}b'],
  ['a right-to-left override', 'a\u202etxt.exe', 'a\\u{202e}txt.exe'],
  ['embeddings', '\u202a\u202b\u202c\u202d', '\\u{202a}\\u{202b}\\u{202c}\\u{202d}'],
  ['isolates', '\u2066\u2067\u2068\u2069', '\\u{2066}\\u{2067}\\u{2068}\\u{2069}'],
  ['marks of direction', '\u200e\u200f\u061c', '\\u{200e}\\u{200f}\\u{61c}'],
  [
    'zero width',
    'ad\u200bmin\u200c\u200d\u2060\ufeff',
    'ad\\u{200b}min\\u{200c}\\u{200d}\\u{2060}\\u{feff}',
  ],
  ['invisible letters', '\u3164\u115f\u00ad', '\\u{3164}\\u{115f}\\u{ad}'],
  ['tags', '\u{e0041}', '\\u{e0041}'],
  ['a separator of lines', 'a\u2028b\u2029', 'a\\u{2028}b\\u{2029}'],
  ['half a surrogate pair', 'a\ud83d', 'a\\u{d83d}'],
  ['letters of any script, and tabs', 'Zoë\t用户 عربي 🔑', 'Zoë\t用户 عربي 🔑'],
])('shows %s by its code point, wherever it writes', (_, text, shown) => {
  captureOutput();
  print(text);
  note(text);
  warn(text);
  expect(written).toEqual({
    stdout: `${shown}\n`,
    stderr: expect.stringContaining(`${shown}\n`),
  });
  expect(written.stderr).toContain(`WARNING: ${shown}`);
});

const { isTTY } = process.stderr;

afterEach(() => {
  process.stderr.isTTY = isTTY;
});

test.each([
  [true, '\ra\\u{202e} 1%\x1b[K\ra\\u{202e} 100%\x1b[K\n'],
  [false, 'a\\u{202e} 100%\n'],
])('shows progress on one line of a terminal (%s), elsewhere in tenths', (value, shown) => {
  captureOutput();
  process.stderr.isTTY = value;
  {
    using progress = startProgress('a\u202e', 1000);
    for (const done of [1, 10, 19, 1000, 1000]) progress.reach(done);
  }
  expect(written).toEqual({ stdout: '', stderr: shown });
});

test('handlers of Ctrl-C are back after blocking work, also if it fails', () => {
  const handler = () => {};
  process.on('SIGINT', handler);
  try {
    const before = process.listeners('SIGINT');
    endedByInterrupt(() => expect(process.listeners('SIGINT')).toEqual([]));
    expect(process.listeners('SIGINT')).toEqual(before);
    const fail = () => {
      throw new Error('failed');
    };
    expect(() => endedByInterrupt(fail)).toThrow('failed');
    expect(process.listeners('SIGINT')).toEqual(before);
  } finally {
    process.off('SIGINT', handler);
  }
});

test('Ctrl-C ends a query that does not, though wrangler handles it', async () => {
  const child = spawn(process.execPath, [
    '--input-type=module',
    '--eval',
    `
    import { DatabaseSync } from 'node:sqlite';
    import { endedByInterrupt } from ${JSON.stringify(new URL('../../src/manage/terminal.ts', import.meta.url))};
    process.on('SIGINT', () => process.exit(130));
    endedByInterrupt(() => {
      process.stdout.write('reading');
      const endless = 'WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c';
      new DatabaseSync(':memory:').prepare(endless).get();
    });
  `,
  ]);
  child.stdout.once('data', () => child.kill('SIGINT'));
  const ended = await new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  expect(ended).toEqual({ code: null, signal: 'SIGINT' });
});
