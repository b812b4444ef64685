export { checkHeldOut } from './held_out.ts';
