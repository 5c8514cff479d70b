/** `npm pack`, once for all tests. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The file that `npm pack` made. */
    tarball: string;
  }
}

export default function pack({ provide }: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-pack-'));
  const args = ['pack', '--json', '--pack-destination', directory];
  const output = execFileSync('npm', args, { cwd: resolve(import.meta.dirname, '../..') });
  const [{ filename }] = JSON.parse(output.toString());
  provide('tarball', join(directory, filename));
  return () => rmSync(directory, { recursive: true });
}
