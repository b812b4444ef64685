/** Bundled by scripts/bundle_gradients.mjs; imported for its effect only. */
declare module '#gradients';
