/** The command line as a program that others call. */
export const tests = {
  'doctor --json prints one JSON object'({ assert, doppel }) {
    const { stdout, status } = doppel('doctor', '--json');
    assert.equal(status, 0);
    const { backend, backends } = JSON.parse(stdout);
    assert.deepEqual(Object.keys(backends).sort(), ['cpu', 'cuda', 'native', 'wasm']);
    assert.equal(backends[backend].available, true);
    assert.equal(backends.cpu.available, true);
    assert.equal(backends.wasm.available, true);
    for (const { available, reason } of Object.values(backends)) assert.ok(available || reason);
  },

  '--help shows flags and examples'({ assert, doppel }) {
    const { stdout, status } = doppel('verify', '--help');
    assert.equal(status, 0);
    assert.match(stdout, /--backend/);
    assert.match(stdout, /EXAMPLES/);
  },

  'a wrong command or flag is exit code 2, without a stack trace'({ assert, doppel }) {
    for (const args of [
      ['verfy'],
      ['verify'],
      ['verify', '.', '--bakend', 'cpu'],
      ['verify', '.', '--backend', 'tpu'],
    ]) {
      const { stderr, stdout, status } = doppel(...args);
      assert.equal(status, 2, args.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /^error: /m);
      assert.doesNotMatch(stderr, /\n\s+at /);
    }
  },

  'a missing folder is exit code 1 and names it'({ assert, doppel }) {
    const { stderr, status } = doppel('verify', '/nowhere/at/all');
    assert.equal(status, 1);
    assert.match(stderr, /\/nowhere\/at\/all.*nothing there/);
  },
};
