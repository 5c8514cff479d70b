/**
 * `npm run test:django`: compares this project with a real Django, REST framework and djoser. If they
 * are not installed, it prints that and passes. `KNOX_PATH` is a folder with django-rest-knox 5. If Python
 * does not find that package, `stand_in/` does what it does.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { moveKnoxThereAndBack } from './knox.ts';
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
      const project = makeProject(join(directory, model.name), python, { userModel: model.name });
      await liveSideBySide(project, model);
    }
    await moveThereAndBack(makeProject(join(directory, 'moves'), python));
    await recover(makeProject(join(directory, 'recovery'), python));
    const knox = findKnox(python);
    await moveKnoxThereAndBack(makeProject(join(directory, 'knox'), python, { knox }));
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

/** @returns the folder of the package `knox`; '' if it is installed */
function findKnox(python: string): string {
  const { KNOX_PATH: folder = '' } = process.env;
  try {
    const env = { ...process.env, PYTHONPATH: folder };
    execFileSync(python, ['-c', 'import knox'], { stdio: 'ignore', env });
    console.log(`knox: django-rest-knox${folder && ` of ${folder}`}`);
    return folder;
  } catch {
    console.log(
      'knox: not installed (django-rest-knox, or KNOX_PATH), so a stand-in uses its table',
    );
    return resolve('test/django/stand_in');
  }
}
