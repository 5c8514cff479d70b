/**
 * `npm run test:django`: compares this project with a real Django, REST framework and djoser. If they
 * are not installed, it prints that and passes.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { moveThereAndBack } from './moves.ts';
import { makeProject } from './project.ts';
import { recover } from './recovery.ts';
import { liveSideBySide, USER_MODELS } from './side-by-side.ts';

const python = findPython();
if (python === undefined) {
  console.log(
    'test:django skipped: no Python with django, rest_framework and djoser (python3-djoser)',
  );
} else {
  const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-django-'));
  try {
    for (const model of USER_MODELS) {
      await liveSideBySide(makeProject(join(directory, model.name), python, model.name), model);
    }
    await moveThereAndBack(makeProject(join(directory, 'moves'), python));
    await recover(makeProject(join(directory, 'recovery'), python));
    console.log('test:django passed');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function findPython(): string | undefined {
  return [process.env.PYTHON ?? 'python3', '/usr/bin/python3'].find((candidate) => {
    try {
      execFileSync(candidate, ['-c', 'import django, rest_framework, djoser'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}
