/** The reference, on a runtime that refuses what production refuses. */
import { refuseManyIterations } from './refuse.ts';

export { default } from '../reference.ts';

refuseManyIterations();
