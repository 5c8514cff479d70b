/** The reference, on a runtime that refuses what production refuses. */
import { refuseAsProductionDoes } from './refuse.ts';

export { default } from '../reference.ts';

refuseAsProductionDoes();
