/** The seed of this run (EMP_SEED), the same in every test process. A test that uses chance takes it from here. */
export const SEED = Number(process.env['EMP_SEED'] ?? 1);
