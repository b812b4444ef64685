export { crsProblem } from './projection.ts';
