/** The reference, on a runtime that refuses what production refuses. */
import './refuse.ts';

export { default } from '../reference.ts';
