export { type TensorError, verify } from './verify.ts';
