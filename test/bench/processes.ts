/** Reads Linux's /proc (proc(5)). On other systems all results are empty. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { sum } from './statistics.ts';

/** USER_HZ: /proc counts CPU time in hundredths of a second on every Linux that Node runs on. */
const MS_PER_TICK = 10;
const BYTES_PER_KIB = 1024;

/** Processes started by `parent`, and by those. */
export async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map(async (pid) => [Number(pid), await stat(pid)] as const));
  const descend = (of: number): number[] =>
    stats.flatMap(([pid, fields]) =>
      Number(fields?.[STAT.parent]) === of ? [pid, ...descend(pid)] : [],
    );
  return descend(parent);
}

/** CPU time in milliseconds, in user and kernel mode, of all threads; undefined where unknown. */
export async function cpuMs(pids: number[]): Promise<number | undefined> {
  const stats = await Promise.all(pids.map(stat));
  if (pids.length === 0 || stats.includes(undefined)) return undefined;
  const ticks = stats.map((fields) => Number(fields?.[STAT.user]) + Number(fields?.[STAT.system]));
  return sum(ticks) * MS_PER_TICK;
}

/** Resident memory in bytes; undefined where unknown. */
export async function residentBytes(pids: number[]): Promise<number | undefined> {
  const statuses = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')),
  );
  const kib = statuses.map((status) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]));
  return kib.length === 0 || kib.some(Number.isNaN) ? undefined : sum(kib) * BYTES_PER_KIB;
}

/**
 * Lets processes take turns on the first core, because one core may be slower than another for minutes.
 * Without `taskset` (util-linux) nothing is moved.
 */
export async function keepOnOneCore(pids: number[]): Promise<void> {
  for (const pid of pids) {
    const arguments_ = ['--all-tasks', '--cpu-list', '--pid', '0', String(pid)];
    await promisify(execFile)('taskset', arguments_).catch(() => undefined);
  }
}

/** Places of /proc/<pid>/stat's fields, counted from the one after the command's name. */
const STAT = { parent: 1, user: 11, system: 12 };

/** Undefined if the process has ended. */
async function stat(pid: number | string): Promise<string[] | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The command's name stands in parentheses and may itself hold spaces and parentheses.
  return line?.slice(line.lastIndexOf(')') + 2).split(' ');
}
