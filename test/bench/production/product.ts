/** The product, on a runtime that refuses what production refuses. */
import { refuseAsProductionDoes } from './refuse.ts';

export * from '../../../src/index.ts';
export { default } from '../../../src/index.ts';

refuseAsProductionDoes();
