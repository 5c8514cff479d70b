import type { AppContext } from '../../context.ts';
import { basePathOf } from '../../mount.ts';
import { byEmail, isEnabled } from '../../route.ts';
import type { PagePaths } from './document.tsx';

export function pagePaths(c: AppContext): PagePaths {
  const base = basePathOf(c);
  return {
    lesson: c.var.settings.browsableApi ? base || '/' : undefined,
    account: isEnabled(byEmail, c.var) ? `${base}/account` : undefined,
  };
}
